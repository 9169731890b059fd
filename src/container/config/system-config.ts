/**
 * A system container: its program is an init that boots a whole userland of the host's kernel. What it needs beyond an
 * ordinary container, after systemd's Container Interface and what podman does for it. Pure.
 */
import { DEFAULT_CAPABILITIES } from './capabilities.js';
import type { OciConfig, OciMount } from './schema.js';

/**
 * To set up its own network and to reboot: both act on namespaces of its own only. Not CAP_SYS_ADMIN: root of a system
 * container is root of the host's files, and would have the host with it.
 */
export const SYSTEM_CAPABILITIES = [...DEFAULT_CAPABILITIES, 'CAP_NET_ADMIN', 'CAP_SYS_BOOT'];

const SAFE = ['nosuid', 'nodev'];

/** What an init mounts for itself on a machine, and may not mount here. */
export const SYSTEM_MOUNTS: OciMount[] = [
  { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: [...SAFE, 'mode=755', 'size=20%'] },
  { destination: '/run/lock', type: 'tmpfs', source: 'tmpfs', options: [...SAFE, 'noexec', 'mode=1777', 'size=5m'] },
  { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: [...SAFE, 'mode=1777', 'size=50%'] },
  // Its own part of every hierarchy, to divide as it likes: the cgroup namespace hides the rest.
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...SAFE, 'noexec', 'rw'] },
];

/** `uuid`: the machine's identity as the init sees it, 32 hexadecimal digits. */
export const systemEnvironment = (uuid: string) => ['container=vlab', `container_uuid=${uuid}`];

/** `uuid`: as above. */
export function asSystem(config: OciConfig, uuid: string): OciConfig {
  const { process } = config;
  const sets = { bounding: SYSTEM_CAPABILITIES, effective: SYSTEM_CAPABILITIES, permitted: SYSTEM_CAPABILITIES };
  return {
    ...config,
    process: {
      ...process,
      env: [...process.env, ...systemEnvironment(uuid)],
      capabilities: { ...sets, inheritable: [], ambient: [] },
      noNewPrivileges: false, // people log in, and use su and sudo
    },
    mounts: [...config.mounts, ...SYSTEM_MOUNTS],
  };
}

/** How an init is asked to halt, by what its path leads to. Undefined: as any program, by SIGTERM. */
export function haltSignal(init: string): number | undefined {
  const name = init.split('/').at(-1) ?? '';
  if (name.startsWith('systemd')) return SIGRTMIN + 3; // systemd(1), "SIGNALS"
  if (name === 'busybox') return SIGUSR2; // power off
  if (name === 'openrc-init' || name === 'init') return SIGINT; // inittab(5), ctrlaltdel
  return undefined;
}

const SIGRTMIN = 34;
const SIGUSR2 = 12;
const SIGINT = 2;

/**
 * What it means that the first process of a pid namespace was ended by a signal: reboot(2) says so ("Behavior inside PID
 * namespaces").
 */
export function systemEnd(exit: { code: number } | { signal: number }): 'reboot' | 'halt' | 'other' {
  if ('code' in exit) return 'other';
  return exit.signal === 1 ? 'reboot' : exit.signal === 2 ? 'halt' : 'other';
}

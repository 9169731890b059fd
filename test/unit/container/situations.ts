/** Machines that container plans are compiled for, written by hand: no test that uses them looks at the real one. */
import { CAPABILITIES, capabilityMask, DEFAULT_CAPABILITIES } from '../../../src/container/config/capabilities.js';
import { type ContainerRequest, defaultConfig } from '../../../src/container/config/default-config.js';
import { defaultSeccomp } from '../../../src/container/config/default-seccomp.js';
import type { HostAbilities } from '../../../src/container/host-abilities.js';
import { runPlan } from '../../../src/container/run-plan.js';
import type { Situation } from '../../../src/container/situation.js';

const KERNEL_PATHS: Situation['kernelPaths'] = {
  '/proc/acpi': 'directory',
  '/proc/kcore': 'file',
  '/proc/keys': 'file',
  '/sys/firmware': 'directory',
  '/sys/devices/virtual/powercap': 'directory',
  '/proc/bus': 'directory',
  '/proc/sys': 'directory',
  '/proc/sysrq-trigger': 'file',
};

/** A machine that has everything. */
export const HOST: HostAbilities = {
  capabilities: () => capabilityMask(CAPABILITIES),
  labels: () => ({ apparmor: true, selinux: true }),
  resctrl: () => '/sys/fs/resctrl',
  textOf: () => undefined,
  isOwnNamespace: () => false,
  hardLimit: () => 1024n,
};

/** One instruction that allows everything: what a filter is made of is another test's. */
const FILTER = { program: new Uint8Array([6, 0, 0, 0, 0, 0, 0xff, 0x7f]), warnings: [] };

const base = { arch: 'x86_64', kernelPaths: KERNEL_PATHS, rootless: undefined, host: HOST, seccomp: FILTER } as const;
const v1 = (...controllers: string[]) => ({
  version: 1 as const,
  root: `/sys/fs/cgroup/${controllers.join(',')}`,
  parent: `/sys/fs/cgroup/${controllers.join(',')}/vlab`,
  controllers,
});

export const SITUATIONS = {
  hybrid: { ...base, cgroups: [v1('memory'), v1('cpu', 'cpuacct'), v1('pids'), v1('devices')] },
  v2: {
    ...base,
    cgroups: [
      { version: 2, root: '/sys/fs/cgroup', parent: '/sys/fs/cgroup/vlab', controllers: ['memory', 'cpu', 'pids'] },
    ],
  },
  rootless: { ...base, cgroups: [], rootless: { uid: 1000, gid: 100 } },
} satisfies Record<string, Situation>;

export const REQUEST: ContainerRequest = { id: 'vlab-example', rootfs: '/images/probe', command: ['probe'], env: {} };

export const LIMITS = { memoryBytes: 64 << 20, cpus: 0.5, pids: 20 };

/** The plan of `vlab run` in that situation. */
export function planFor(situation: Situation, more: Partial<ContainerRequest> = {}) {
  const { rootless } = situation;
  const seccomp = defaultSeccomp('x86_64', DEFAULT_CAPABILITIES);
  const config = defaultConfig({ ...REQUEST, seccomp, ...more, ...(rootless ? { rootless } : {}) });
  return runPlan(config, situation, { relayPath: '/cache/vlab-relay' }).plan;
}

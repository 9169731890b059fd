/**
 * What this machine can do beyond what every container needs. Each is looked at when a configuration asks for it, and not
 * before: an ordinary start pays for none of them.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { OciNamespaceType } from './config/schema.js';

export interface HostAbilities {
  /** The capabilities that the runtime has, as a mask (capabilities(7)). */
  capabilities(): bigint;
  /** Which security modules label processes here. */
  labels(): { apparmor: boolean; selinux: boolean };
  /** Where resctrl is mounted (kernel Documentation/filesystems/resctrl.rst). */
  resctrl(): string | undefined;
  /** The text of a file, or undefined when it is not there. */
  textOf(path: string): string | undefined;
  /** Whether the namespace file at `path` is the runtime's own namespace; false too when it cannot be seen. */
  isOwnNamespace(type: OciNamespaceType, path: string): boolean;
  /** The greatest value to which an unprivileged process may raise a limit, by its name in /proc/self/limits. */
  hardLimit(name: string): bigint;
}

/** Names of the files in /proc/PID/ns (namespaces(7)). */
export const NAMESPACE_FILES: Record<OciNamespaceType, string> = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
};

export const hostAbilities: HostAbilities = {
  capabilities() {
    const permitted = /^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return BigInt(`0x${permitted ?? '0'}`);
  },
  labels: () => ({
    apparmor: hostAbilities.textOf('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') ?? false,
    selinux: existsSync('/sys/fs/selinux/enforce'),
  }),
  resctrl() {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return mounts.find((line) => line.includes(' - resctrl '))?.split(' ')[4];
  },
  textOf(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  isOwnNamespace(type, path) {
    const own = statSync(join('/proc/self/ns', NAMESPACE_FILES[type]), { throwIfNoEntry: false });
    const other = statOrUndefined(path);
    return own !== undefined && other !== undefined && own.ino === other.ino && own.dev === other.dev;
  },
  hardLimit(name) {
    const line = readFileSync('/proc/self/limits', 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`${name} `));
    const hard = line?.slice(name.length).trim().split(/\s+/)[1];
    return hard === undefined || hard === 'unlimited' ? RLIM_INFINITY : BigInt(hard);
  },
};

/** getrlimit(2). */
export const RLIM_INFINITY = (1n << 64n) - 1n;

function statOrUndefined(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

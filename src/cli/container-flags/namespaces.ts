/** `--pid`, `--ipc`, `--uts`, `--userns`, `--cgroupns` (docker-run(1)). Pure. */
import type { AskedContainer } from '../../engine/define/asked-container.js';
import { refuse } from '../../engine/define/asked-error.js';

export interface NamespaceFlags {
  pid?: string | undefined;
  ipc?: string | undefined;
  uts?: string | undefined;
  userns?: string | undefined;
  cgroupns?: string | undefined;
}

export function readNamespaces({ pid, ipc, uts, userns, cgroupns }: NamespaceFlags): AskedContainer['namespaces'] {
  return {
    pid: joinable('--pid', 'PID', pid, ['private', 'host']),
    ipc: joinable('--ipc', 'IPC', ipc, ['private', 'shareable', 'none', 'host']),
    uts: oneOf('--uts', 'UTS', uts, ['private', 'host'], 'private'),
    user: oneOf('--userns', 'USER', userns, ['host'], 'host'),
    cgroup: oneOf('--cgroupns', 'CGROUP', cgroupns, ['private', 'host'], 'private'),
  };
}

function joinable(flag: string, what: string, mode: string | undefined, words: readonly string[]): string {
  if (!mode) return 'private';
  if (words.includes(mode) || /^container:./.test(mode)) return mode;
  throw refuse(`${flag}: invalid ${what} mode`, `it is one of ${words.join(', ')}, container:NAME`);
}

function oneOf<const T extends string>(
  flag: string,
  what: string,
  mode: string | undefined,
  words: readonly T[],
  none: T,
): T {
  if (!mode) return none;
  const known = words.find((word) => word === mode);
  if (known) return known;
  throw refuse(`${flag}: invalid ${what} mode`, `it is one of ${words.join(', ')}`);
}

/** What this machine has of what some tests need. Read once. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../src/base/find-program.js';
import { CAPABILITIES, capabilitiesIn, field } from './proc-text.js';

export interface Cgroups {
  /** Where the hierarchy of each v1 controller is mounted. */
  v1: ReadonlyMap<string, string>;
  /** Where the v2 tree is mounted. */
  v2: string | undefined;
  /** Controllers that the v2 tree has. */
  v2Controllers: readonly string[];
}

export interface Machine {
  cgroups: Cgroups;
  /** Control files that no cgroup of this kernel has: `controller/file`. */
  has(controlFile: string): boolean;
  /** A block device whose bandwidth can be limited, `major:minor`. */
  blockDevice: string | undefined;
}

/** `v1 memory` needs that controller on cgroup v1; `file memory/memory.limit_in_bytes` a control file of it. */
export type MachineNeed = keyof typeof PRESENT | `v1 ${string}` | `file ${string}`;

const PRESENT = {
  'time namespaces': () => existsSync('/proc/self/ns/time'),
  'no AppArmor': () => !existsSync('/sys/kernel/security/apparmor'),
  'no SELinux': () => !existsSync('/sys/fs/selinux/enforce'),
  'no resctrl': () => !readFileSync('/proc/self/mountinfo', 'utf8').includes(' - resctrl '),
  'a block device': () => readMachine().blockDevice !== undefined,
  'user namespaces': () => existsSync('/proc/self/ns/user'),
  'ip(8)': () => findProgram('ip') !== undefined,
  'personality(2) for 32 bits': () => process.arch === 'x64',
  seccomp: () => /^Seccomp:/m.test(readFileSync('/proc/self/status', 'utf8')),
  NUMA: () => existsSync('/proc/self/numa_maps'),
  'two processors': () => /\d[-,]\d/.test(field(readFileSync('/proc/self/status', 'utf8'), 'Cpus_allowed_list')),
  'a limit of messages': () => existsSync('/proc/sys/fs/mqueue/msg_max'),
  'a capability that is lacking': () =>
    capabilitiesIn(readFileSync('/proc/self/status', 'utf8'), 'CapBnd').length < CAPABILITIES.length,
  'the v2 hugetlb controller': () => readMachine().cgroups.v2Controllers.includes('hugetlb'),
} as const;

/** Why a test with this need cannot be run here; undefined when it can. */
export function lacks(need: MachineNeed): string | undefined {
  const [kind, ...rest] = need.split(' ');
  const what = rest.join(' ');
  const machine = readMachine();
  if (kind === 'v1') return machine.cgroups.v1.has(what) ? undefined : `no ${what} controller on cgroup v1 here`;
  if (kind === 'file') return machine.has(what) ? undefined : `this kernel has no ${what.split('/')[1]}`;
  return PRESENT[need as keyof typeof PRESENT]() ? undefined : `this machine has not: ${need}`;
}

let known: Machine | undefined;

export function readMachine(): Machine {
  known ??= {
    cgroups: readCgroups(),
    has: (controlFile) => {
      const [controller = '', file = ''] = controlFile.split('/');
      const mount = readMachine().cgroups.v1.get(controller);
      // pids.max is in every cgroup but the root.
      return mount !== undefined && (controller === 'pids' || existsSync(join(mount, file)));
    },
    blockDevice: blockDevice(),
  };
  return known;
}

function readCgroups(): Cgroups {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [fields = '', tail = ''] = line.split(' - ');
    const path = fields.split(' ')[4] ?? '';
    const [type, , options = ''] = tail.split(' ');
    if (type === 'cgroup2') v2 ??= path;
    if (type === 'cgroup') for (const option of options.split(',')) if (!v1.has(option)) v1.set(option, path);
  }
  const v2Controllers =
    v2 === undefined ? [] : readFileSync(join(v2, 'cgroup.controllers'), 'utf8').trim().split(' ').filter(Boolean);
  return { v1, v2, v2Controllers };
}

/** /sys/block: the first that is a disk of this machine. */
function blockDevice(): string | undefined {
  for (const name of ['vda', 'sda', 'nvme0n1', 'xvda', 'loop0']) {
    const path = `/sys/block/${name}/dev`;
    if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  }
  return undefined;
}

/**
 * Attacks on the whole kernel, which no container of this machine may try: they run in a virtual machine. Each has the plan of
 * vlab that blocks it, and the flawed one on which it works. Pure: docs/security.md is compared with it.
 */
import type { ContainerRequest } from '../../../src/container/config/default-config.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { num } from '../../../src/sys/num.js';
import { type Flaw, passAfter, without } from './flaw.js';

export interface KernelAttack {
  title: string;
  cves: readonly string[];
  /** Reasons of steps: any of them is enough to block it, and all are taken out of the flawed plan. */
  guards: readonly string[];
  /** Of test/fixtures/kernel-wide.c. */
  words: readonly string[];
  /** What guest-arena.c looks at afterwards. */
  check: string;
  limits?: Pick<ContainerRequest, 'memoryBytes' | 'pids'>;
  flaw: Flaw;
  /** What the configuration asks for besides what `vlab run` does by default. */
  asks?: (config: OciConfig) => void;
  /** Of the flawed twin only. */
  change?: (config: OciConfig) => void;
  blocked: readonly (string | RegExp)[];
  works: readonly (string | RegExp)[];
}

const FILTER = 'let the filter decide about system calls';
const KEEP = 'keep only the capabilities of the container';
/** Hierarchies can be made in the first cgroup namespace only. */
const OWN_CGROUPS = 'see its own cgroups as the roots of the trees';
const EPERM = 'Operation not permitted';
const EROFS = 'Read-only file system';

const capability = (name: string) => [`never have ${name}`, KEEP];
/** MOUNT_ATTR_RDONLY is 1. */
const writableSys: Flaw = ({ steps }) => {
  const made = steps.find(({ call, result }) => call === 'fsmount' && result?.text === '/sys');
  const attributes = made?.args[2];
  if (attributes?.kind !== 'num' || !(attributes.value & 1n)) throw new Error('/sys is not made read-only');
  made?.args.splice(2, 1, num(attributes.value & ~1n));
};

export const KERNEL_ATTACKS = {
  'core-pattern': {
    title: 'a program for core dumps, by /proc/sys/kernel/core_pattern',
    cves: [],
    guards: ['take /proc/sys once more'],
    words: ['crash', '|/reached-core-pattern'],
    check: 'helper:20',
    flaw: passAfter('take /proc/sys once more'),
    blocked: [`write: ${EROFS}`, 'outside: nothing ran'],
    works: ['write: ok', 'outside: the program ran'],
  },
  modprobe: {
    title: 'a program that loads modules, by /proc/sys/kernel/modprobe',
    cves: [],
    guards: ['take /proc/sys once more'],
    words: ['modprobe', '/reached-modprobe'],
    check: 'helper:20',
    flaw: passAfter('take /proc/sys once more'),
    blocked: [`write: ${EROFS}`, 'outside: nothing ran'],
    works: ['write: ok', 'outside: the program ran'],
  },
  'release-agent': {
    title: 'a program for empty cgroups, by the release_agent of a hierarchy that it mounts',
    cves: ['CVE-2022-0492'],
    guards: [FILTER, ...capability('CAP_SYS_ADMIN'), OWN_CGROUPS],
    words: ['release-agent', '/reached-release-agent'],
    check: 'helper:20',
    flaw: without(FILTER, ...capability('CAP_SYS_ADMIN'), OWN_CGROUPS),
    blocked: [`mount: ${EPERM}`, 'outside: nothing ran'],
    works: ['release_agent: ok', 'outside: the program ran'],
  },
  'release-agent of its own': {
    title: 'a program for empty cgroups, by the release_agent of a hierarchy that it is shown',
    cves: ['CVE-2022-0492'],
    guards: [...capability('CAP_SYS_ADMIN'), OWN_CGROUPS],
    words: ['release-agent', '/reached-release-agent of its own', '/sys/fs/cgroup/pids'],
    check: 'helper:20',
    asks: ({ mounts }) => {
      mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', options: ['rw'] });
    },
    flaw: without(...capability('CAP_SYS_ADMIN'), OWN_CGROUPS),
    blocked: ['release_agent: No such file or directory', 'outside: nothing ran'],
    works: ['release_agent: ok', 'outside: the program ran'],
  },
  sysrq: {
    title: 'commands to the kernel by /proc/sysrq-trigger',
    cves: [],
    guards: ['take /proc/sysrq-trigger once more'],
    words: ['write', '/proc/sysrq-trigger', 'h'],
    check: 'log:sysrq: HELP',
    flaw: passAfter('take /proc/sysrq-trigger once more'),
    blocked: [`write: ${EROFS}`, 'outside: the kernel is silent'],
    works: ['write: ok', 'outside: the kernel obeyed'],
  },
  sysfs: {
    title: 'settings of the kernel in /sys, where uevent_helper is on kernels that have it',
    cves: [],
    guards: ['mount it at /sys'],
    words: ['write', '/sys/kernel/mm/ksm/run', '1'],
    check: 'file:/sys/kernel/mm/ksm/run',
    flaw: writableSys,
    blocked: [`write: ${EROFS}`, 'outside: 0'],
    works: ['write: ok', 'outside: 1'],
  },
  module: {
    title: 'loading a kernel module',
    cves: [],
    guards: [FILTER, ...capability('CAP_SYS_MODULE')],
    words: ['load-module', '/module.ko'],
    check: 'there:/sys/module/dummy',
    flaw: without(FILTER, ...capability('CAP_SYS_MODULE')),
    blocked: [`module: ${EPERM}`, 'outside: not there'],
    works: ['module: ok', 'outside: there'],
  },
  log: {
    title: "reading the kernel's log",
    cves: [],
    guards: [FILTER],
    words: ['kernel-log'],
    check: '',
    flaw: without(FILTER),
    blocked: [`log: ${EPERM}`],
    works: ['log: ok'],
  },
  addresses: {
    title: "reading the kernel's addresses in /proc/kallsyms",
    cves: [],
    guards: capability('CAP_SYSLOG'),
    words: ['kernel-addresses'],
    check: '',
    flaw: without(...capability('CAP_SYSLOG')),
    blocked: ['addresses: none'],
    works: ['addresses: told'],
  },
  memory: {
    title: "taking all of the machine's memory",
    cves: [],
    guards: ['set it to 67108864'],
    words: ['memory', '1024'],
    check: 'neighbour',
    limits: { memoryBytes: 64 << 20 },
    flaw: without('set it to 67108864'),
    blocked: ['touched 48', 'outside: a neighbour lives'],
    works: ['touched 72', 'outside: a neighbour was killed'],
  },
  fork: {
    title: 'a fork bomb',
    cves: [],
    guards: ['set it to 20'],
    words: ['fork', '1000'],
    check: 'fork',
    limits: { pids: 20 },
    flaw: without('set it to 20'),
    blocked: ['made 19', 'outside: processes can be made'],
    works: [/^made \d{3}$/, 'outside: Resource temporarily unavailable'],
  },
  /** The last: it ends the machine. */
  'power-off': {
    title: 'reboot(2)',
    cves: [],
    guards: [FILTER, ...capability('CAP_SYS_BOOT')],
    words: ['power-off'],
    check: 'there:/proc/self',
    flaw: without(FILTER, ...capability('CAP_SYS_BOOT')),
    change: ({ linux }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'pid');
    },
    blocked: [`power off: ${EPERM}`, 'outside: there'],
    works: [],
  },
} as const satisfies Record<string, KernelAttack>;

export type KernelAttackId = keyof typeof KERNEL_ATTACKS;

/** Where there is more than one wall, each holds by itself: attacks, with what is taken out and what then stands in the way. */
export const SECOND_WALLS: [id: KernelAttackId, name: string, flaw: Flaw, blocked: readonly string[]][] = [
  ['release-agent', 'the filter', without(...capability('CAP_SYS_ADMIN'), OWN_CGROUPS), [`mount: ${EPERM}`]],
  ['release-agent', 'the capabilities', without(FILTER, OWN_CGROUPS), [`mount: ${EPERM}`]],
  ['release-agent', 'the cgroup namespace', without(FILTER, ...capability('CAP_SYS_ADMIN')), [`mount: ${EPERM}`]],
  ['release-agent of its own', 'the capabilities', without(OWN_CGROUPS), [`release_agent: ${EPERM}`]],
  [
    'release-agent of its own',
    'the cgroup namespace',
    without(...capability('CAP_SYS_ADMIN')),
    ['release_agent: No such file or directory'],
  ],
  ['module', 'the filter', without(...capability('CAP_SYS_MODULE')), [`module: ${EPERM}`]],
  ['module', 'the capabilities', without(FILTER), [`module: ${EPERM}`]],
  ['power-off', 'the filter', without(...capability('CAP_SYS_BOOT')), [`power off: ${EPERM}`]],
  ['power-off', 'the capabilities', without(FILTER), [`power off: ${EPERM}`]],
  // Without both it ends its own pid namespace: pid_namespaces(7), "reboot(2)".
  ['power-off', 'the pid namespace', without(FILTER, ...capability('CAP_SYS_BOOT')), ['outside: there']],
];

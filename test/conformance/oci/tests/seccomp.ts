/** config-linux.md: seccomp. */
import { match, see } from '../assert.js';
import { EXDEV, filter, RULE } from '../seccomp-filter.js';
import { under } from '../test-type.js';

const seccomp = under('config-linux.md#seccomp');
const NEEDS = { needs: ['seccomp' as const] };

/** Answers of getpgid(2), of this process and of such that do not exist, by what they mean. */
function answers(text: string): string[] {
  const meanings: Record<string, string> = {
    'Operation not permitted': 'filtered',
    'No such process': 'passed',
    ok: 'passed',
  };
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(': ')[1] ?? '')
    .map((answer) => meanings[answer] ?? answer);
}

const BEYOND = 5_000_000; // no pid is that large (pid_max is at most 4 Mi)

const OPERATORS: [op: string, value: number, valueTwo: number | undefined, filtered: number[], passed: number[]][] = [
  ['SCMP_CMP_EQ', BEYOND, undefined, [BEYOND], [BEYOND - 1, BEYOND + 1]],
  ['SCMP_CMP_NE', BEYOND, undefined, [BEYOND - 1, BEYOND + 1], [BEYOND]],
  ['SCMP_CMP_LT', BEYOND, undefined, [BEYOND - 1], [BEYOND, BEYOND + 1]],
  ['SCMP_CMP_LE', BEYOND, undefined, [BEYOND - 1, BEYOND], [BEYOND + 1]],
  ['SCMP_CMP_GE', BEYOND, undefined, [BEYOND, BEYOND + 1], [BEYOND - 1]],
  ['SCMP_CMP_GT', BEYOND, undefined, [BEYOND + 1], [BEYOND, BEYOND - 1]],
  ['SCMP_CMP_MASKED_EQ', 0xff, BEYOND & 0xff, [BEYOND, BEYOND + 0x100], [BEYOND + 1]],
];

export const SECCOMP_TESTS = [
  seccomp.must(
    'SCMP_ACT_ERRNO makes the call fail with EPERM',
    async (t) => see('output', await t.output(['pgid', '0'], filter([RULE])), '0: Operation not permitted\n'),
    NEEDS,
  ),
  seccomp.must(
    'a call that is not listed gets the default action',
    async (t) => {
      const text = await t.output(['each', 'getcwd', '--', 'pgid', '0'], filter([RULE]));
      see('output', text, 'getcwd: ok\n0: Operation not permitted\n');
    },
    NEEDS,
  ),
  seccomp.must(
    'all the names of an entry are filtered',
    async (t) => {
      const names = ['sched_getattr', 'getpgid'];
      const text = await t.output(['each', 'sched', '--', 'pgid', '0'], filter([{ ...RULE, names }]));
      see('output', text, 'sched: Operation not permitted\n0: Operation not permitted\n');
    },
    NEEDS,
  ),
  seccomp.must(
    'errnoRet is the error of the call',
    async (t) =>
      see(
        'output',
        await t.output(['pgid', '0'], filter([{ ...RULE, errnoRet: EXDEV }])),
        '0: Invalid cross-device link\n',
      ),
    { ...NEEDS, since: '1.1.0' },
  ),
  seccomp.must(
    'errnoRet of an action without an error is an error',
    (t) =>
      t.refuses(filter([{ names: ['getpgid'], action: 'SCMP_ACT_KILL_PROCESS', errnoRet: EXDEV }]), {
        sound: filter([{ ...RULE, errnoRet: EXDEV }]),
        late: true,
      }),
    { ...NEEDS, since: '1.1.0' },
  ),
  seccomp.must(
    'defaultErrnoRet is the error of calls that are not listed',
    async (t) => {
      const change = {
        'linux.seccomp': {
          defaultAction: 'SCMP_ACT_ERRNO',
          defaultErrnoRet: EXDEV,
          syscalls: [{ names: EVERYDAY_CALLS, action: 'SCMP_ACT_ALLOW' }],
        },
      };
      see('output', await t.output(['pgid', '0'], change), '0: Invalid cross-device link\n');
    },
    { ...NEEDS, since: '1.1.0' },
  ),
  seccomp.must(
    'a call that an entry of the default ERRNO allows, is allowed',
    async (t) => {
      const change = {
        'linux.seccomp': {
          defaultAction: 'SCMP_ACT_ERRNO',
          syscalls: [{ names: EVERYDAY_CALLS, action: 'SCMP_ACT_ALLOW' }],
        },
      };
      const text = await t.output(['each', 'cwd', '--', 'pgid', '0'], change);
      see('output', text, '/\n0: Operation not permitted\n');
    },
    NEEDS,
  ),
  ...(['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS'] as const).map((action) =>
    seccomp.must(
      `${action} ends the process`,
      async (t) => {
        const args = ['each', 'echo', 'before', '--', 'pgid', '0', '--', 'echo', 'after'];
        see('output', await t.output(args, filter([{ names: ['getpgid'], action }])), 'before\n');
      },
      NEEDS,
    ),
  ),
  seccomp.must(
    'SCMP_ACT_TRAP sends SIGSYS',
    async (t) =>
      match(
        'output',
        await t.output(['trapped'], filter([{ names: ['getpgid'], action: 'SCMP_ACT_TRAP' }])),
        /^trapped \d+\n$/,
      ),
    NEEDS,
  ),
  seccomp.must(
    'SCMP_ACT_TRACE without a tracer makes the call fail',
    async (t) =>
      see(
        'output',
        await t.output(['pgid', '0'], filter([{ names: ['getpgid'], action: 'SCMP_ACT_TRACE' }])),
        '0: Function not implemented\n',
      ),
    NEEDS,
  ),
  seccomp.must(
    'SCMP_ACT_LOG lets the call pass',
    async (t) => {
      const text = await t.output(
        ['each', 'pgid', '0', '--', 'cat', '/proc/self/status'],
        filter([{ names: ['getpgid'], action: 'SCMP_ACT_LOG' }]),
      );
      match('output', text, /^0: ok\n/);
      match('a filter is loaded', text, /^Seccomp:\s*2$/m);
    },
    NEEDS,
  ),
  ...OPERATORS.map(([op, value, valueTwo, filtered, passed]) =>
    seccomp.must(
      `${op} compares an argument`,
      async (t) => {
        const args = [{ index: 0, value, op, ...(valueTwo === undefined ? {} : { valueTwo }) }];
        const numbers = [...filtered, ...passed];
        const text = await t.output(['pgid', ...numbers.map(String)], filter([{ ...RULE, args }]));
        see('answers', answers(text), [...filtered.map(() => 'filtered'), ...passed.map(() => 'passed')]);
      },
      NEEDS,
    ),
  ),
  seccomp.must(
    'entries with different arguments are all applied',
    async (t) => {
      const one = (value: number) => ({ ...RULE, args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] });
      const text = await t.output(
        ['pgid', ...[1, 2, 3].map((i) => String(BEYOND + i))],
        filter([one(BEYOND + 1), one(BEYOND + 3)]),
      );
      see('answers', answers(text), ['filtered', 'passed', 'filtered']);
    },
    NEEDS,
  ),
  seccomp.must(
    'names has at least one entry',
    (t) => t.refuses(filter([{ names: [], action: 'SCMP_ACT_ERRNO' }]), { sound: filter([RULE]), late: true }),
    NEEDS,
  ),
  ...(
    [
      ['an action', filter([{ ...RULE, action: 'SCMP_ACT_NONSENSE' }])],
      ['a default action', { 'linux.seccomp': { defaultAction: 'SCMP_ACT_NONSENSE' } }],
      ['an architecture', filter([RULE], { architectures: ['SCMP_ARCH_NONSENSE'] })],
      ['a flag', filter([RULE], { flags: ['SECCOMP_FILTER_FLAG_NONSENSE'] })],
      ['an operator', filter([{ ...RULE, args: [{ index: 0, value: 1, op: 'SCMP_CMP_NONSENSE' }] }])],
    ] as const
  ).map(([what, faulty]) =>
    seccomp.must(
      `${what} that does not exist is an error`,
      (t) => t.refuses(faulty, { sound: filter([RULE]), late: true }),
      NEEDS,
    ),
  ),
  seccomp.must(
    'an index that no call has is an error',
    (t) =>
      t.refuses(filter([{ ...RULE, args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] }]), {
        sound: filter([{ ...RULE, args: [{ index: 5, value: 1, op: 'SCMP_CMP_EQ' }] }]),
        late: true,
      }),
    NEEDS,
  ),
  seccomp.must(
    'defaultAction is required',
    (t) => t.refuses({ 'linux.seccomp': { syscalls: [RULE] } }, { sound: filter([RULE]), late: true }),
    NEEDS,
  ),
  seccomp.must(
    'architectures of this machine and others are accepted',
    async (t) => {
      const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64'];
      see('output', await t.output(['pgid', '0'], filter([RULE], { architectures })), '0: Operation not permitted\n');
    },
    NEEDS,
  ),
  ...(['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'] as const).map((flag) =>
    seccomp.must(
      `the flag ${flag} is accepted`,
      async (t) =>
        see('output', await t.output(['pgid', '0'], filter([RULE], { flags: [flag] })), '0: Operation not permitted\n'),
      NEEDS,
    ),
  ),
  seccomp.must(
    'a filter is loaded with noNewPrivileges, too',
    async (t) => {
      const change = { ...filter([RULE]), 'process.noNewPrivileges': true, 'process.user': { uid: 1000, gid: 1000 } };
      see('output', await t.output(['pgid', '0'], change), '0: Operation not permitted\n');
    },
    NEEDS,
  ),
  seccomp.must(
    'without seccomp no filter is loaded',
    async (t) => match('status', await t.output(['cat', '/proc/self/status']), /^Seccomp:\s*0$/m),
    NEEDS,
  ),
];

/** Calls with which a runtime starts the test program, and those that it makes; getpgid is not among them. */
const EVERYDAY_CALLS = [
  ...['accept4', 'access', 'arch_prctl', 'bind', 'brk', 'capget', 'capset', 'chdir', 'chmod', 'chown', 'clock_gettime'],
  ...['clock_nanosleep', 'clone', 'clone3', 'close', 'close_range', 'connect', 'dup', 'dup2', 'dup3', 'epoll_create1'],
  ...['epoll_ctl', 'epoll_pwait', 'epoll_wait', 'eventfd2', 'execve', 'execveat', 'exit', 'exit_group', 'faccessat'],
  ...[
    'faccessat2',
    'fchdir',
    'fchmod',
    'fchown',
    'fcntl',
    'fstat',
    'fstatfs',
    'fsync',
    'futex',
    'getcwd',
    'getdents64',
  ],
  ...[
    'getegid',
    'geteuid',
    'getgid',
    'getpeername',
    'getpid',
    'getppid',
    'getrandom',
    'getsockopt',
    'gettid',
    'getuid',
  ],
  ...['ioctl', 'keyctl', 'kill', 'lseek', 'lstat', 'madvise', 'mmap', 'mprotect', 'mremap', 'munmap', 'nanosleep'],
  ...[
    'newfstatat',
    'open',
    'openat',
    'openat2',
    'pidfd_open',
    'pipe2',
    'poll',
    'ppoll',
    'prctl',
    'pread64',
    'pselect6',
    'select',
  ],
  ...[
    'prlimit64',
    'pwrite64',
    'read',
    'readlink',
    'readlinkat',
    'readv',
    'recvfrom',
    'recvmsg',
    'rseq',
    'rt_sigaction',
  ],
  ...['rt_sigprocmask', 'rt_sigreturn', 'rt_sigtimedwait', 'sched_getaffinity', 'sched_yield', 'seccomp', 'sendmsg'],
  ...['sendto', 'set_robust_list', 'set_tid_address', 'setfsgid', 'setfsuid', 'setgid', 'setgroups', 'setns'],
  ...['setpriority', 'setregid', 'setresgid', 'setresuid', 'setreuid', 'setsid', 'setuid', 'shutdown', 'sigaltstack'],
  ...['socket', 'stat', 'statfs', 'statx', 'tgkill', 'umask', 'uname', 'unlink', 'unlinkat', 'wait4', 'waitid'],
  ...['write', 'writev'],
];

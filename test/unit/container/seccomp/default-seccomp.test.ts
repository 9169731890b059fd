// The default profile, asked call by call as the kernel would. docker's is written out here once more as what is expected.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../../../../src/container/config/capabilities.js';
import { defaultSeccomp } from '../../../../src/container/config/default-seccomp.js';
import { decodeProgram, type Instruction } from '../../../../src/container/seccomp/classic-bpf.js';
import { compileProfile } from '../../../../src/container/seccomp/seccomp-filter.js';
import { hostArch } from '../../../../src/sys/abi.js';
import { needs } from '../../../skips.js';
import { askHere, isInstalled, numberOf } from './ask-here.js';
import { AUDIT, decide } from './bpf-machine.js';

beforeEach((context) => needs(context, 'libseccomp', isInstalled));

const [ALLOW, EPERM, ENOSYS] = [0x7fff0000, 0x00050001, 0x00050026];
const architecture = process.arch === 'x64' ? AUDIT.x86_64 : AUDIT.aarch64;
const programs = new Map<string, Instruction[]>();

/** With docker's capabilities and these, each at a time. */
async function prepare(more: string[]): Promise<void> {
  const profile = defaultSeccomp(hostArch(), [...DEFAULT_CAPABILITIES, ...more]);
  programs.set(more.join(), decodeProgram((await compileProfile(profile, askHere)).program));
}
beforeAll(async () => {
  if (!isInstalled) return;
  for (const more of [[], [...CAPABILITIES], ...CAPABILITIES.map((name) => [name])]) await prepare(more);
});

function answer(call: string, args: (number | bigint)[] = [], more: string[] = []): number | undefined {
  const number = numberOf(call);
  if (number < 0) return undefined; // this architecture or library has no such call
  return decide(programs.get(more.join()) ?? [], { architecture, number, args: args.map(BigInt) });
}

describe('by default', () => {
  it.each(['read', 'openat', 'execve', 'futex', 'socketpair', 'ptrace', 'chroot', 'clock_gettime', 'memfd_create'])(
    '%s is allowed',
    (call) => expect(answer(call)).toBe(ALLOW),
  );

  it.each([
    ...['mount', 'umount2', 'pivot_root', 'move_mount', 'open_tree', 'fsopen', 'setns', 'unshare', 'bpf', 'keyctl'],
    ...['add_key', 'request_key', 'perf_event_open', 'kexec_load', 'init_module', 'finit_module', 'reboot', 'swapon'],
    ...['settimeofday', 'clock_settime', 'syslog', 'acct', 'userfaultfd', 'open_by_handle_at', 'pidfd_getfd', 'kcmp'],
    ...[
      'io_uring_setup',
      'io_uring_enter',
      'mbind',
      'set_mempolicy',
      'quotactl',
      'nfsservctl',
      'lookup_dcookie',
      'vhangup',
    ],
    ...['sethostname', 'fanotify_init', 'move_pages', 'migrate_pages', 'process_madvise'],
  ])('%s is refused', (call) => expect(answer(call)).toBe(EPERM));

  it('clone makes processes and threads, but no namespaces; clone3 looks as if it were not there', () => {
    const [SIGCHLD, THREAD, NEWUSER, NEWNS] = [17, 0x3d0f00, 0x10000000, 0x20000];
    expect([SIGCHLD, THREAD].map((flags) => answer('clone', [flags]))).toEqual([ALLOW, ALLOW]);
    expect([NEWUSER, NEWNS, NEWUSER | SIGCHLD].map((flags) => answer('clone', [flags]))).toEqual([EPERM, EPERM, EPERM]);
    expect(answer('clone3')).toBe(ENOSYS);
  });

  it('sockets are of any family but nine, and of none that is newer than those', () => {
    const refused = Array.from({ length: 60 }, (_, family) => family).filter((family) => {
      return answer('socket', [family, 1, 0]) !== ALLOW;
    });
    const newer = Array.from({ length: 14 }, (_, more) => 46 + more);
    expect(refused).toEqual([12, 19, 20, 23, 25, 34, 37, 38, 40, ...newer]);
    expect(answer('socket', [(1n << 32n) | 40n])).toBe(EPERM);
  });

  it('the personality is one of Linux', () => {
    const asked = [0, 8, 0x20000, 0x20008, 0xffffffff, 0x40000, 6];
    expect(asked.map((value) => answer('personality', [value]))).toEqual([
      ALLOW,
      ALLOW,
      ALLOW,
      ALLOW,
      ALLOW,
      EPERM,
      EPERM,
    ]);
  });

  it('calls of another architecture end the program, or are judged by their own numbers', () => {
    const program = programs.get('') ?? [];
    expect(decide(program, { architecture: 0xc00000f3, number: 0 })).toBe(0); // riscv64
    if (process.arch === 'x64') {
      expect(decide(program, { architecture: AUDIT.x86, number: 3 })).toBe(ALLOW); // read
      expect(decide(program, { architecture: AUDIT.x86, number: 21 })).toBe(EPERM); // mount
      expect(decide(program, { architecture: AUDIT.x86_64, number: 0x40000000 })).toBe(0); // x32's read
    }
  });
});

describe('with a capability', () => {
  it.each([
    ['CAP_SYS_ADMIN', ['mount', 'setns', 'unshare', 'bpf', 'clone3', 'perf_event_open', 'sethostname', 'fsopen']],
    ['CAP_SYS_MODULE', ['init_module', 'finit_module', 'delete_module']],
    ['CAP_SYS_BOOT', ['reboot']],
    ['CAP_SYS_PTRACE', ['kcmp', 'pidfd_getfd', 'process_madvise']],
    ['CAP_SYS_TIME', ['settimeofday', 'clock_settime']],
    ['CAP_SYS_NICE', ['mbind', 'set_mempolicy', 'get_mempolicy']],
    ['CAP_SYSLOG', ['syslog']],
    ['CAP_BPF', ['bpf']],
    ['CAP_PERFMON', ['perf_event_open']],
    ['CAP_SYS_PACCT', ['acct']],
    ['CAP_SYS_TTY_CONFIG', ['vhangup']],
    ['CAP_DAC_READ_SEARCH', ['open_by_handle_at']],
  ])('%s there is also %s', (capability, calls) => {
    for (const call of calls) {
      expect([EPERM, ENOSYS]).toContain(answer(call));
      expect([call, answer(call, [], [capability])]).toEqual([call, ALLOW]);
    }
  });

  it('CAP_SYS_ADMIN clone makes namespaces', () => {
    expect(answer('clone', [0x10000000], ['CAP_SYS_ADMIN'])).toBe(ALLOW);
  });

  it('all of them the keys, kexec and swap still stay closed', () => {
    for (const call of ['keyctl', 'add_key', 'kexec_load', 'swapon', 'userfaultfd', 'io_uring_setup']) {
      expect([call, answer(call, [], [...CAPABILITIES])]).toEqual([call, EPERM]);
    }
  });
});

describe('the profile itself', () => {
  it('is one object for one question', () => {
    expect(defaultSeccomp('x86_64', ['CAP_CHOWN', 'CAP_KILL'])).toBe(
      defaultSeccomp('x86_64', ['CAP_KILL', 'CAP_CHOWN']),
    );
    expect(defaultSeccomp('x86_64', [])).not.toBe(defaultSeccomp('aarch64', []));
  });

  it('names each call once', () => {
    const [{ names = [] } = {}] = defaultSeccomp('x86_64', [...CAPABILITIES]).syscalls ?? [];
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(350);
    expect(names.filter((name) => !/^_?[a-z0-9_]+$/.test(name))).toEqual([]);
  });
});

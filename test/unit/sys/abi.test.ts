// Every number of the kernel's interface that TypeScript knows, judged by a C compiler with the installed headers. Needs a
// C compiler; for aarch64 its cross compiler, without which that part is skipped by name.
import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../../src/container/config/capabilities.js';
import { ABI, ARCHITECTURES, type Arch, ERRNOS, hostArch, OPEN_FLAGS } from '../../../src/sys/abi.js';
import { RTNETLINK } from '../../../src/sys/netlink.js';
import { TUN } from '../../../src/sys/tun.js';
import { needs } from '../../skips.js';
import { hasCompiler, wrongClaims } from './compile-c.js';
import { BPF_OPCODES, DEVICE_ACCESS, LAYOUT } from './kernel-layout.js';

const KERNEL_HEADERS = [
  ...[
    'linux/sched.h',
    'linux/mount.h',
    'linux/fcntl.h',
    'linux/openat2.h',
    'linux/stat.h',
    'linux/prctl.h',
    'linux/securebits.h',
  ],
  ...['linux/capability.h', 'linux/wait.h', 'asm/poll.h', 'linux/inotify.h', 'linux/time.h', 'asm/signal.h'],
  ...['asm/siginfo.h', 'linux/sockios.h', 'asm/ioctls.h', 'linux/ioctl.h', 'linux/reboot.h', 'linux/mman.h'],
  ...['linux/bpf.h', 'asm/resource.h', 'linux/errno.h', 'asm/unistd.h', 'linux/close_range.h', 'linux/memfd.h'],
  ...['linux/seccomp.h', 'linux/keyctl.h', 'linux/futex.h', 'linux/personality.h', 'linux/ioprio.h'],
  ...['linux/netlink.h', 'linux/rtnetlink.h', 'linux/if_addr.h', 'linux/if_link.h', 'linux/veth.h'],
  ...[
    'linux/pkt_sched.h',
    'linux/if_tun.h',
    'linux/netfilter.h',
    'linux/netfilter/nfnetlink.h',
    'linux/netfilter/nf_tables.h',
  ],
];
/** What kernel headers do not define for programs, or cannot beside each other. */
const LIBRARY_HEADERS = [
  'sys/socket.h',
  'net/if.h',
  'sys/mount.h',
  'sys/uio.h',
  'poll.h',
  'fcntl.h',
  'sys/file.h',
  'sys/stat.h',
];
const LIBRARY_NAMES =
  /^(AF_|SOCK_|SOL_|SCM_|MSG_|MNT_|IFF_(UP|RUNNING)|struct (msghdr|cmsghdr|iovec|ifreq)|CMSG_|LOCK_|S_IF|O_|F_)/;

/** Names that are spelled otherwise in C. */
const SPELLED: Record<string, string> = { LINUX_CAPABILITY_VERSION_3: '_LINUX_CAPABILITY_VERSION_3' };

/** Numbers that stand in src/ as literals with their names beside them. */
const LITERALS = {
  'LOCK_EX | LOCK_NB': 6,
  CLOSE_RANGE_CLOEXEC: 4,
  S_IFBLK: 0o060000,
  'CMSG_LEN(4)': 20,
  'CMSG_SPACE(4)': 24,
};

function claimsFor(arch: Arch): Map<string, bigint> {
  const claims = new Map<string, bigint>();
  for (const [name, value] of Object.entries(ABI)) claims.set(SPELLED[name] ?? name, BigInt(value));
  const named = { ...OPEN_FLAGS[arch], ...ERRNOS, ...LITERALS, ...BPF_OPCODES, ...DEVICE_ACCESS, ...RTNETLINK, ...TUN };
  for (const [name, value] of Object.entries(named)) claims.set(name, BigInt(value));
  for (const [name, value] of Object.entries(ARCHITECTURES[arch].syscalls)) claims.set(`__NR_${name}`, BigInt(value));
  CAPABILITIES.forEach((name, bit) => {
    claims.set(name, BigInt(bit));
  });
  claims.set('CAP_LAST_CAP', BigInt(CAPABILITIES.length - 1));
  for (const [type, { size, fields }] of Object.entries(LAYOUT)) {
    if (size !== undefined) claims.set(`sizeof(${type})`, BigInt(size));
    for (const [field, offset] of Object.entries(fields)) {
      claims.set(`__builtin_offsetof(${type}, ${field})`, BigInt(offset));
    }
  }
  return claims;
}

function judge(compiler: string, arch: Arch): string[] {
  const all = [...claimsFor(arch)];
  const library = ([name]: [string, bigint]) => LIBRARY_NAMES.test(name.replace(/^sizeof\(|^__builtin_offsetof\(/, ''));
  return [
    ...wrongClaims(compiler, KERNEL_HEADERS, new Map(all.filter((claim) => !library(claim)))),
    ...wrongClaims(compiler, LIBRARY_HEADERS, new Map(all.filter(library))),
  ];
}

describe('the binary interface', () => {
  it("is that of this machine's headers", () => {
    expect(claimsFor(hostArch()).size).toBeGreaterThan(350);
    expect(judge('cc', hostArch())).toEqual([]);
  });

  it("is that of aarch64's headers", (context) => {
    needs(context, 'aarch64 compiler', hasCompiler('aarch64-linux-gnu-gcc'));
    expect(judge('aarch64-linux-gnu-gcc', 'aarch64')).toEqual([]);
  });

  it('would not pass with a wrong number, an unknown name or a wrong offset', () => {
    const claims = new Map([
      ['CLONE_NEWNS', 0x20001n],
      ['CLONE_NEWNET', 0x40000000n],
      ['NO_SUCH_NAME', 1n],
      ['__builtin_offsetof(struct clone_args, cgroup)', 72n],
      ['AT_FDCWD', -100n],
      ['AT_FDCWD + 0', 100n],
    ]);
    const wrong = ['CLONE_NEWNS', 'NO_SUCH_NAME', '__builtin_offsetof(struct clone_args, cgroup)', 'AT_FDCWD + 0'];
    expect(wrongClaims('cc', KERNEL_HEADERS, claims)).toEqual(wrong);
  });
});

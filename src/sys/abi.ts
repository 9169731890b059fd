/**
 * The kernel's binary interface as far as plans use it: constants and errnos of Linux, the same for x86_64 and aarch64
 * unless noted, beside the numbers of system calls (syscalls.ts). A test compiles C against the installed kernel headers
 * and compares every value.
 */
import { VlabError } from '../base/errors.js';
import { type Num, num } from './num.js';
import { SYSCALLS, type SyscallName } from './syscalls.js';

export type { SyscallName } from './syscalls.js';

export type Arch = 'x86_64' | 'aarch64';

/** ELF e_machine values double as the architecture field of an encoded plan. */
export const ARCHITECTURES: Record<Arch, { machine: number; syscalls: Record<SyscallName, number> }> = {
  x86_64: { machine: 62, syscalls: column(0) },
  aarch64: { machine: 183, syscalls: column(1) },
};

function column(at: 0 | 1): Record<SyscallName, number> {
  return Object.fromEntries(Object.entries(SYSCALLS).map(([name, numbers]) => [name, numbers[at]])) as Record<
    SyscallName,
    number
  >;
}

/** This machine's architecture. Error (`host`): vlab runs on x86_64 and aarch64 only. */
export function hostArch(): Arch {
  if (process.arch === 'x64') return 'x86_64';
  if (process.arch === 'arm64') return 'aarch64';
  throw new VlabError('host', `vlab has no system-call table for ${process.arch}`, {
    hint: 'run it on an x86_64 or aarch64 machine',
  });
}

/** Constants by their kernel names; grouped by the header that defines them. Equal on both architectures unless noted. */
export const ABI = {
  // linux/sched.h
  CLONE_NEWTIME: 0x80,
  CLONE_VM: 0x100,
  CLONE_FILES: 0x400,
  CLONE_PIDFD: 0x1000,
  CLONE_VFORK: 0x4000,
  CLONE_PARENT: 0x8000,
  CLONE_NEWNS: 0x20000,
  CLONE_PARENT_SETTID: 0x100000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  CLONE_CLEAR_SIGHAND: 0x100000000,
  CLONE_INTO_CGROUP: 0x200000000,
  // linux/mount.h
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_SYNCHRONOUS: 16,
  MS_REMOUNT: 32,
  MS_MANDLOCK: 64,
  MS_DIRSYNC: 128,
  MS_NOATIME: 1024,
  MS_BIND: 4096,
  MS_MOVE: 8192,
  MS_REC: 16384,
  MS_SILENT: 1 << 15,
  MS_UNBINDABLE: 1 << 17,
  MS_PRIVATE: 1 << 18,
  MS_SLAVE: 1 << 19,
  MS_SHARED: 1 << 20,
  MS_I_VERSION: 1 << 23,
  MS_LAZYTIME: 1 << 25,
  MNT_DETACH: 2,
  OPEN_TREE_CLONE: 1,
  OPEN_TREE_CLOEXEC: 0o2000000,
  MOVE_MOUNT_F_EMPTY_PATH: 4,
  MOVE_MOUNT_T_SYMLINKS: 0x10,
  MOVE_MOUNT_T_EMPTY_PATH: 0x40,
  FSOPEN_CLOEXEC: 1,
  FSMOUNT_CLOEXEC: 1,
  FSPICK_CLOEXEC: 1,
  FSPICK_EMPTY_PATH: 8,
  FSCONFIG_SET_FLAG: 0,
  FSCONFIG_SET_STRING: 1,
  FSCONFIG_CMD_CREATE: 6,
  FSCONFIG_CMD_RECONFIGURE: 7,
  MOUNT_ATTR_RDONLY: 1,
  MOUNT_ATTR_NOSUID: 2,
  MOUNT_ATTR_NODEV: 4,
  MOUNT_ATTR_NOEXEC: 8,
  MOUNT_ATTR__ATIME: 0x70,
  MOUNT_ATTR_RELATIME: 0,
  MOUNT_ATTR_NOATIME: 0x10,
  MOUNT_ATTR_STRICTATIME: 0x20,
  MOUNT_ATTR_NODIRATIME: 0x80,
  MOUNT_ATTR_IDMAP: 0x100000,
  MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
  // fcntl.h (asm-generic; O_DIRECTORY and O_NOFOLLOW differ on aarch64 and are looked up by architecture below)
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
  AT_FDCWD: -100,
  AT_EMPTY_PATH: 0x1000,
  AT_RECURSIVE: 0x8000,
  AT_SYMLINK_NOFOLLOW: 0x100,
  AT_REMOVEDIR: 0x200,
  F_GETFD: 1,
  F_SETFD: 2,
  F_SETFL: 4,
  F_DUPFD_CLOEXEC: 1030,
  // linux/memfd.h
  MFD_CLOEXEC: 1,
  // linux/openat2.h
  RESOLVE_NO_XDEV: 1,
  RESOLVE_NO_MAGICLINKS: 2,
  RESOLVE_NO_SYMLINKS: 4,
  RESOLVE_BENEATH: 8,
  RESOLVE_IN_ROOT: 16,
  // linux/stat.h
  STATX_BASIC_STATS: 0x7ff,
  S_IFREG: 0o100000,
  S_IFBLK: 0o060000,
  S_IFCHR: 0o020000,
  S_IFIFO: 0o010000,
  // linux/prctl.h
  PR_SET_PDEATHSIG: 1,
  PR_SET_DUMPABLE: 4,
  PR_SET_KEEPCAPS: 8,
  PR_GET_SECUREBITS: 27,
  PR_SET_SECUREBITS: 28,
  SECBIT_NO_SETUID_FIXUP: 4,
  PR_CAPBSET_DROP: 24,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_CAP_AMBIENT: 47,
  PR_CAP_AMBIENT_RAISE: 2,
  PR_CAP_AMBIENT_CLEAR_ALL: 4,
  // linux/capability.h
  LINUX_CAPABILITY_VERSION_3: 0x20080522,
  // linux/seccomp.h
  SECCOMP_SET_MODE_FILTER: 1,
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 8,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH: 16,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
  // linux/keyctl.h
  KEYCTL_JOIN_SESSION_KEYRING: 1,
  // linux/futex.h
  FUTEX_WAIT: 0,
  // linux/personality.h
  PER_LINUX: 0,
  PER_LINUX32: 8,
  // linux/wait.h
  P_ALL: 0,
  P_PID: 1,
  P_PIDFD: 3,
  WNOHANG: 1,
  WEXITED: 4,
  WNOWAIT: 0x1000000,
  __WALL: 0x40000000,
  CLD_EXITED: 1,
  // asm/poll.h
  POLLIN: 1,
  POLLOUT: 4,
  POLLHUP: 0x10,
  // linux/inotify.h
  IN_MODIFY: 2,
  IN_CREATE: 0x100,
  IN_CLOEXEC: 0o2000000,
  IN_NONBLOCK: 0o4000,
  // linux/time.h
  CLOCK_REALTIME: 0,
  CLOCK_MONOTONIC: 1,
  CLOCK_BOOTTIME: 7,
  // asm/signal.h, linux/signal.h
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGWINCH: 28,
  SIG_BLOCK: 0,
  SIG_SETMASK: 2,
  // linux/socket.h, net/if.h, sockios.h
  AF_UNIX: 1,
  AF_INET: 2,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_SEQPACKET: 5,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SCM_RIGHTS: 1,
  SOL_NETLINK: 270,
  MSG_CMSG_CLOEXEC: 0x40000000,
  MSG_NOSIGNAL: 0x4000,
  MSG_DONTWAIT: 0x40,
  MSG_WAITALL: 0x100,
  SIOCSIFFLAGS: 0x8914,
  SIOCGIFINDEX: 0x8933,
  IFF_UP: 1,
  IFF_RUNNING: 0x40,
  // linux/netlink.h
  NETLINK_ROUTE: 0,
  NETLINK_NETFILTER: 12,
  NETLINK_GET_STRICT_CHK: 12,
  // asm/ioctls.h (asm-generic values)
  TIOCSCTTY: 0x540e,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  TIOCSPTLCK: 0x40045431,
  TIOCGPTPEER: 0x5441,
  // linux/reboot.h
  LINUX_REBOOT_MAGIC1: 0xfee1dead,
  LINUX_REBOOT_MAGIC2: 0x28121969,
  LINUX_REBOOT_CMD_RESTART: 0x1234567,
  LINUX_REBOOT_CMD_POWER_OFF: 0x4321fedc,
  // linux/mman.h
  PROT_READ: 1,
  PROT_WRITE: 2,
  MAP_SHARED: 1,
  MAP_PRIVATE: 2,
  MAP_FIXED: 0x10,
  // linux/bpf.h
  BPF_PROG_LOAD: 5,
  BPF_PROG_ATTACH: 8,
  BPF_PROG_GET_FD_BY_ID: 13,
  BPF_OBJ_GET_INFO_BY_FD: 15,
  BPF_PROG_QUERY: 16,
  BPF_PROG_TYPE_CGROUP_DEVICE: 15,
  BPF_CGROUP_DEVICE: 6,
  BPF_F_ALLOW_MULTI: 2,
  BPF_F_REPLACE: 4,
  // linux/ioprio.h
  IOPRIO_WHO_PROCESS: 1,
  // asm/resource.h
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
} as const;

export type AbiName = keyof typeof ABI;

/** The two open flags whose values differ between the architectures (arch/arm64/include/uapi/asm/fcntl.h). */
export const OPEN_FLAGS: Record<Arch, { O_DIRECTORY: number; O_NOFOLLOW: number }> = {
  x86_64: { O_DIRECTORY: 0o200000, O_NOFOLLOW: 0o400000 },
  aarch64: { O_DIRECTORY: 0o40000, O_NOFOLLOW: 0o100000 },
};

/** Ors constants together and keeps their names: `flags('MS_BIND', 'MS_REC')` reads `MS_BIND|MS_REC` in a printed plan. */
export function flags(...names: AbiName[]): Num {
  const text = names.join('|');
  let made = FLAGS.get(text);
  if (!made) {
    made = num(
      names.reduce((sum, name) => sum | BigInt(ABI[name]), 0n),
      text,
    );
    FLAGS.set(text, made);
  }
  return made;
}

/** A plan has hundreds, and the planner makes one plan after another. */
const FLAGS = new Map<string, Num>();

/** O_DIRECTORY with other open flags, by architecture. */
export function directoryFlags(arch: Arch, ...names: AbiName[]): Num {
  const rest = flags(...names);
  return num(rest.value | BigInt(OPEN_FLAGS[arch].O_DIRECTORY), ['O_DIRECTORY', ...names].join('|'));
}

/** Errnos that plans and messages name (asm-generic/errno-base.h, errno.h). */
export const ERRNOS = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EPIPE: 32,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EOVERFLOW: 75,
  EUSERS: 87,
  EOPNOTSUPP: 95,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  ESTALE: 116,
  EDQUOT: 122,
} as const;

export type Errno = keyof typeof ERRNOS;

export function errnoNumber(name: Errno): number {
  return ERRNOS[name];
}

/** The name of an errno, or its number when this table has none. */
export function errnoName(value: number): string {
  const found = Object.entries(ERRNOS).find(([, number]) => number === value);
  return found ? found[0] : `errno ${value}`;
}

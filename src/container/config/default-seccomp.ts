/**
 * The system calls that a container may make when nobody says otherwise: docker's default profile in effect, as of 2026,
 * and what it makes of the capabilities in a container's bounding set. What is not named here answers EPERM. docs/security.md
 * has every difference; a test compares the two. Pure data.
 */
import type { Arch } from '../../sys/abi.js';
import type { OciSeccomp } from './schema.js';

/** Calls that act upon what the process has already, or that check its permissions by themselves. */
const ALLOWED = {
  files: `access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
    fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 flock fstat fstat64 fstatat64 fstatfs
    fstatfs64 ftruncate ftruncate64 futimesat getcwd getdents getdents64 ioctl lchown lchown32 link linkat lseek _llseek lstat
    lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 readlink readlinkat rename renameat
    renameat2 rmdir stat stat64 statfs statfs64 statx symlink symlinkat truncate truncate64 umask unlink unlinkat utime utimes
    utimensat utimensat_time64`,
  'attributes of files': `fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat
    llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`,
  'which file systems there are, in its own mount namespace': 'listmount statmount',
  'input and output': `fadvise64 fadvise64_64 fdatasync fsync pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read
    readahead readv sendfile sendfile64 splice sync sync_file_range syncfs tee vmsplice write writev`,
  'asynchronous, by the old interface: io_uring has had too many holes': `io_cancel io_destroy io_getevents io_pgetevents
    io_pgetevents_time64 io_setup io_submit`,
  waiting: `epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
    eventfd2 _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select inotify_add_watch inotify_init inotify_init1
    inotify_rm_watch fanotify_mark`,
  sockets: `accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64
    recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  memory: `brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2
    mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages`,
  processes: `execve execveat exit exit_group fork getpgid getpgrp getpid getppid getpriority getrusage getsid gettid kill
    pidfd_open pidfd_send_signal prctl process_mrelease restart_syscall setpgid setpriority setsid tgkill times tkill vfork
    wait4 waitid waitpid`,
  threads: `futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area rseq
    set_robust_list set_thread_area set_tid_address`,
  'who it is: the kernel lets it become what its capabilities say': `capget capset getegid getegid32 geteuid geteuid32 getgid
    getgid32 getgroups getgroups32 getresgid getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid
    setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
    setreuid32 setuid setuid32`,
  signals: `alarm pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd signalfd4 sigprocmask sigreturn`,
  scheduling: `getcpu ioprio_get ioprio_set sched_getaffinity sched_getattr sched_getparam sched_get_priority_max
    sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
    sched_setparam sched_setscheduler sched_yield`,
  'clocks; setting one needs CAP_SYS_TIME, which the kernel checks': `adjtimex clock_adjtime clock_adjtime64 clock_getres
    clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep
    setitimer time timer_create timer_delete timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64`,
  'System V and POSIX messages, semaphores and memory, in its own ipc namespace': `ipc mq_getsetattr mq_notify mq_open
    mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget
    semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`,
  'limits and facts': 'getrandom getrlimit prlimit64 setrlimit sysinfo ugetrlimit uname',
  'to give up more rights': 'landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp',
  'other processes of its own, which only ptrace permissions let it reach': 'process_vm_readv process_vm_writev ptrace',
  'what the kernel itself puts at a probed return': 'uretprobe',
} as const;

/** Calls that are only there where the container has a capability; without it they would be refused anyway, but later. */
const WITH_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module finit_module init_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'ioperm iopl',
  CAP_SYS_TIME: 'clock_settime clock_settime64 settimeofday stime',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

/** What only one architecture has, or its 32-bit half. x32 is left out: kernels that have it are rare, and it had holes. */
const OF_ARCHITECTURE: Record<Arch, { architectures: string[]; allowed: string }> = {
  x86_64: { architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'], allowed: 'arch_prctl modify_ldt' },
  aarch64: {
    architectures: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
    allowed: 'arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2',
  },
};

/** clone(2) without any CLONE_NEW… flag: a user namespace would make its maker root, with all of the kernel to try. */
const NAMESPACE_FLAGS = 0x7e020000;
/** personality(2): Linux, 32 bits, the version 2.6 of both, and asking which it is. */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0xffffffff];
/**
 * Families of socket(2) that are refused, since nothing in a container needs them: old protocols that few kernels have and
 * nobody looks after (DECnet 12, Econet 19, ATM SVC 20, IrDA 23, WANPIPE 25, ISDN 34, CAIF 37), the
 * kernel's ciphers (ALG 38, CVE-2026-31431), and the way from a virtual machine to its host (VSOCK 40).
 */
const FAMILIES_REFUSED = [12, 19, 20, 23, 25, 34, 37, 38, 40];
/** Above: newer than what anybody has looked at. */
const GREATEST_FAMILY = 45;

const names = (text: string) => text.trim().split(/\s+/);
const made = new Map<string, OciSeccomp>();

/** The same object for the same question, so that its filter is found again at once. */
export function defaultSeccomp(arch: Arch, capabilities: readonly string[]): OciSeccomp {
  const key = [arch, ...[...capabilities].sort()].join(' ');
  const known = made.get(key);
  if (known) return known;
  const profile = profileFor(arch, new Set(capabilities));
  made.set(key, profile);
  return profile;
}

function profileFor(arch: Arch, capabilities: ReadonlySet<string>): OciSeccomp {
  const { architectures, allowed } = OF_ARCHITECTURE[arch];
  const granted = Object.entries(WITH_CAPABILITY).filter(([name]) => capabilities.has(name));
  const all = [...Object.values(ALLOWED), allowed, ...granted.map(([, text]) => text)].flatMap(names);
  const allow = { action: 'SCMP_ACT_ALLOW' as const };
  const only = (name: string, op: 'SCMP_CMP_EQ' | 'SCMP_CMP_LT', value: number) => ({
    ...allow,
    names: [name],
    args: [{ index: 0, value, op }],
  });
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures,
    syscalls: [
      { ...allow, names: [...new Set(all)] },
      ...familyRanges().flatMap(([first, last]) =>
        first === 0
          ? [only('socket', 'SCMP_CMP_LT', last + 1)]
          : Array.from({ length: last - first + 1 }, (_, at) => only('socket', 'SCMP_CMP_EQ', first + at)),
      ),
      ...PERSONALITIES.map((value) => only('personality', 'SCMP_CMP_EQ', value)),
      ...(capabilities.has('CAP_SYS_ADMIN')
        ? []
        : [
            {
              ...allow,
              names: ['clone'],
              args: [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' as const }],
            },
            // Its flags lie behind a pointer that a filter cannot follow; C libraries use clone when it is not there.
            { action: 'SCMP_ACT_ERRNO' as const, errnoRet: 38, names: ['clone3'] },
          ]),
    ],
  };
}

function familyRanges(): [number, number][] {
  const ranges: [number, number][] = [];
  let first = 0;
  for (const refused of [...FAMILIES_REFUSED, GREATEST_FAMILY + 1]) {
    if (refused > first) ranges.push([first, refused - 1]);
    first = refused + 1;
  }
  return ranges;
}

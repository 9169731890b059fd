/**
 * The structures that plans encode, as the kernel and the C library have them; abi.test.ts lets a compiler check each
 * number, and other tests read encoded plans by them. Same on x86_64 and aarch64.
 */
export const LAYOUT = {
  'struct clone_args': {
    size: 88,
    fields: { flags: 0, pidfd: 8, child_tid: 16, parent_tid: 24, exit_signal: 32, cgroup: 80 },
  },
  'struct mount_attr': { size: 32, fields: { attr_set: 0, attr_clr: 8, propagation: 16, userns_fd: 24 } },
  'struct statx': { size: 256, fields: { stx_mode: 28, stx_rdev_major: 128, stx_rdev_minor: 132 } },
  'struct open_how': { size: 24, fields: { flags: 0, mode: 8, resolve: 16 } },
  'struct msghdr': {
    size: 56,
    fields: { msg_name: 0, msg_iov: 16, msg_iovlen: 24, msg_control: 32, msg_controllen: 40, msg_flags: 48 },
  },
  'struct cmsghdr': { size: 16, fields: { cmsg_len: 0, cmsg_level: 8, cmsg_type: 12 } },
  'struct iovec': { size: 16, fields: { iov_base: 0, iov_len: 8 } },
  'struct ifreq': { size: 40, fields: { ifr_name: 0, ifr_flags: 16 } },
  siginfo_t: { size: 128, fields: { si_signo: 0, si_code: 8, si_status: 24 } },
  'struct pollfd': { size: 8, fields: { fd: 0, events: 4, revents: 6 } },
  'struct timespec': { size: 16, fields: { tv_sec: 0, tv_nsec: 8 } },
  'struct __user_cap_header_struct': { size: 8, fields: { version: 0, pid: 4 } },
  'struct __user_cap_data_struct': { size: 12, fields: { effective: 0, permitted: 4, inheritable: 8 } },
  'union bpf_attr': {
    size: undefined,
    fields: {
      ...{ prog_type: 0, insn_cnt: 4, insns: 8, license: 16 },
      ...{ target_fd: 0, attach_bpf_fd: 4, attach_type: 8, attach_flags: 12 },
    },
  },
  'struct bpf_cgroup_dev_ctx': { size: 12, fields: { access_type: 0, major: 4, minor: 8 } },
  'struct bpf_insn': { size: 8, fields: { code: 0, off: 2, imm: 4 } },
} as const;

/** Instructions that device programs may be made of (linux/bpf.h, linux/bpf_common.h). */
export const BPF_OPCODES = {
  'BPF_LDX | BPF_MEM | BPF_W': 0x61,
  'BPF_ALU64 | BPF_MOV | BPF_K': 0xb7,
  'BPF_ALU64 | BPF_MOV | BPF_X': 0xbf,
  'BPF_ALU64 | BPF_AND | BPF_K': 0x57,
  'BPF_ALU64 | BPF_RSH | BPF_K': 0x77,
  'BPF_JMP | BPF_JNE | BPF_K': 0x55,
  'BPF_JMP | BPF_JEQ | BPF_K': 0x15,
  'BPF_JMP | BPF_EXIT': 0x95,
} as const;

/** What the device controller asks a program (linux/bpf.h). */
export const DEVICE_ACCESS = {
  BPF_DEVCG_ACC_MKNOD: 1,
  BPF_DEVCG_ACC_READ: 2,
  BPF_DEVCG_ACC_WRITE: 4,
  BPF_DEVCG_DEV_BLOCK: 1,
  BPF_DEVCG_DEV_CHAR: 2,
} as const;

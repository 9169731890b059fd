/**
 * criu's requests and answers (criu's images/rpc.proto), as far as vlab uses them. One message a datagram, over the socket
 * that `criu swrk FD` gets.
 */
import { decode, encode, type ValueOf } from './protobuf.js';

const PAIR = { key: { at: 1, of: 'string' }, val: { at: 2, of: 'string' } } as const;
const INHERIT_FD = { key: { at: 1, of: 'string' }, fd: { at: 2, of: 'number' } } as const;
const CGROUP_ROOT = { ctrl: { at: 1, of: 'string' }, path: { at: 2, of: 'string' } } as const;
const PAGE_SERVER = { address: { at: 1, of: 'string' }, port: { at: 2, of: 'number' } } as const;
const JOIN_NS = { ns: { at: 1, of: 'string' }, ns_file: { at: 2, of: 'string' } } as const;

/** criu_opts. Names are criu's, so that they can be looked up there and in criu(8). */
export const CRIU_OPTS = {
  images_dir_fd: { at: 1, of: 'number' },
  pid: { at: 2, of: 'number' },
  leave_running: { at: 3, of: 'bool' },
  ext_unix_sk: { at: 4, of: 'bool' },
  tcp_established: { at: 5, of: 'bool' },
  evasive_devices: { at: 6, of: 'bool' },
  shell_job: { at: 7, of: 'bool' },
  file_locks: { at: 8, of: 'bool' },
  log_level: { at: 9, of: 'number' },
  log_file: { at: 10, of: 'string' },
  ps: { at: 11, of: PAGE_SERVER },
  notify_scripts: { at: 12, of: 'bool' },
  root: { at: 13, of: 'string' },
  parent_img: { at: 14, of: 'string' },
  track_mem: { at: 15, of: 'bool' },
  auto_dedup: { at: 16, of: 'bool' },
  work_dir_fd: { at: 17, of: 'number' },
  link_remap: { at: 18, of: 'bool' },
  ext_mnt: { at: 23, of: PAIR, repeated: true },
  cg_root: { at: 25, of: CGROUP_ROOT, repeated: true },
  rst_sibling: { at: 26, of: 'bool' },
  inherit_fd: { at: 27, of: INHERIT_FD, repeated: true },
  manage_cgroups_mode: { at: 34, of: 'number' },
  external: { at: 37, of: 'string', repeated: true },
  empty_ns: { at: 38, of: 'number' },
  join_ns: { at: 39, of: JOIN_NS, repeated: true },
  freeze_cgroup: { at: 44, of: 'string' },
  tcp_skip_in_flight: { at: 46, of: 'bool' },
  lazy_pages: { at: 48, of: 'bool' },
  orphan_pts_master: { at: 50, of: 'bool' },
  config_file: { at: 51, of: 'string' },
  tcp_close: { at: 52, of: 'bool' },
  lsm_profile: { at: 53, of: 'string' },
  lsm_mount_context: { at: 63, of: 'string' },
  network_lock: { at: 64, of: 'number' },
} as const;

const NOTIFY = { script: { at: 1, of: 'string' }, pid: { at: 2, of: 'number' } } as const;

const REQUEST = {
  type: { at: 1, of: 'number' },
  opts: { at: 2, of: CRIU_OPTS },
  notify_success: { at: 3, of: 'bool' },
} as const;

const RESPONSE = {
  type: { at: 1, of: 'number' },
  success: { at: 2, of: 'bool' },
  restore: { at: 4, of: { pid: { at: 1, of: 'number' } } },
  notify: { at: 5, of: NOTIFY },
  cr_errno: { at: 7, of: 'number' },
  cr_errmsg: { at: 9, of: 'string' },
} as const;

/** enum criu_req_type. */
export const REQUEST_TYPES = { DUMP: 1, RESTORE: 2, PRE_DUMP: 4, NOTIFY: 6, SINGLE_PRE_DUMP: 13 } as const;
/** enum criu_cg_mode. */
export const CGROUP_MODES = { ignore: 0, soft: 3, full: 4, strict: 5 } as const;
/** enum criu_network_lock_method. */
export const NETWORK_LOCKS = { iptables: 1, nftables: 2, skip: 3 } as const;

export type CriuOpts = ValueOf<typeof CRIU_OPTS>;
export type CriuRequest = ValueOf<typeof REQUEST>;
export type CriuResponse = ValueOf<typeof RESPONSE>;

export function encodeRequest(request: CriuRequest): Buffer {
  return encode(REQUEST, request);
}

/** RangeError: it is no answer of criu. */
export function decodeResponse(bytes: Buffer): CriuResponse {
  return decode(RESPONSE, bytes);
}

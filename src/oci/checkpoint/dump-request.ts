/** What criu is asked for a checkpoint. Pure. */
import { VlabError } from '../../base/errors.js';
import { directoryOf, unifiedOf } from '../../container/cgroup/cgroup.js';
import { configError } from '../../container/config/parse-config.js';
import type { OciConfig } from '../../container/config/schema.js';
import { ABI } from '../../sys/abi.js';
import type { ContainerRecord } from '../state.js';
import type { CriuFlags } from './criu-flags.js';
import { CGROUP_MODES, type CriuRequest, NETWORK_LOCKS, REQUEST_TYPES } from './criu-rpc.js';
import { IMAGES_FD, WORK_FD } from './criu-steps.js';
import type { ExternalMount } from './external-mounts.js';
import { externalOf, type OuterDescriptor } from './stdio.js';

export const DUMP_LOG = 'dump.log';
/** Everything, as runc and crun have it; whoever reads it looks for one line. */
export const LOG_LEVEL = 4;

/** What criu calls a namespace that the container has joined: runc's and crun's names, so that images are of one kind. */
export const OUTER_NAMESPACES = { network: 'extRootNetNS', pid: 'extRootPidNS' } as const;
const CRIU_NAMES = { network: 'net', pid: 'pid' } as const;

export interface DumpSituation {
  external: readonly ExternalMount[];
  stdio: readonly OuterDescriptor[];
  /** Inodes of the network and pid namespaces that it has joined by a path. */
  joined: Partial<Record<keyof typeof OUTER_NAMESPACES, bigint>>;
  /** Devices of its network namespace. */
  netDevices: readonly string[];
  /** Of criu, as it counts: 40101. */
  criuVersion: number;
  /** Programs that criu runs are there. */
  tools: { ip: boolean; iptables: boolean };
  configFile?: string;
}

/** Errors: `input`: a container that cannot be checkpointed. */
export function dumpRequest(
  config: OciConfig,
  record: Pick<ContainerRecord, 'init' | 'rootfs' | 'cgroup'>,
  seen: DumpSituation,
  flags: CriuFlags,
): CriuRequest {
  mustBeApart(config);
  if (!record.init) throw new VlabError('operation', 'the container has no process');
  const freezer = directoryOf(record.cgroup, 'freezer') ?? unifiedOf(record.cgroup);
  const { external, stdio, joined } = seen;
  const outer = Object.entries(joined) as [keyof typeof OUTER_NAMESPACES, bigint][];
  return {
    type: flags.preDump ? preDump(seen.criuVersion) : REQUEST_TYPES.DUMP,
    opts: {
      images_dir_fd: IMAGES_FD,
      ...(flags.workPath === undefined ? {} : { work_dir_fd: WORK_FD }),
      log_level: LOG_LEVEL,
      log_file: DUMP_LOG,
      pid: record.init.pid,
      root: record.rootfs,
      notify_scripts: true,
      orphan_pts_master: true,
      ...(freezer ? { freeze_cgroup: freezer.path } : {}),
      ...commonOptions(flags, seen.tools, { stdio, emptyNetwork: leavesNetwork(config, seen, flags) }),
      leave_running: flags.leaveRunning,
      ...(flags.parentPath === undefined ? {} : { parent_img: flags.parentPath }),
      ...(flags.parentPath !== undefined || flags.preDump ? { track_mem: true } : {}),
      ...(flags.pageServer ? { ps: flags.pageServer } : {}),
      ...(seen.configFile === undefined ? {} : { config_file: seen.configFile }),
      ext_mnt: external.map(({ at }) => ({ key: at, val: at })),
      external: [
        ...outer.map(([type, inode]) => `${CRIU_NAMES[type]}[${inode}]:${OUTER_NAMESPACES[type]}`),
        ...new Set(stdio.flatMap(externalOf)),
      ],
    },
  };
}

/** An older criu waits for another one behind it, and complains that none comes. */
function preDump(criuVersion: number): number {
  return criuVersion >= 31600 ? REQUEST_TYPES.SINGLE_PRE_DUMP : REQUEST_TYPES.PRE_DUMP;
}

/** Of both ways. */
export function commonOptions(
  flags: CriuFlags,
  tools: DumpSituation['tools'],
  { stdio, emptyNetwork }: { stdio: readonly OuterDescriptor[]; emptyNetwork: boolean },
) {
  // A terminal of the caller's that criu is told of is given anew like any descriptor, and must not be looked for besides.
  const toldOf = stdio.some(({ key }) => key.startsWith('tty['));
  const lock = flags.networkLock ?? (tools.iptables ? undefined : 'nftables');
  return {
    shell_job: flags.shellJob && !toldOf,
    ext_unix_sk: flags.extUnixSk,
    tcp_established: flags.tcpEstablished,
    tcp_skip_in_flight: flags.tcpSkipInFlight,
    tcp_close: flags.tcpClose,
    file_locks: flags.fileLocks,
    link_remap: flags.linkRemap,
    lazy_pages: flags.lazyPages,
    auto_dedup: flags.autoDedup,
    manage_cgroups_mode: CGROUP_MODES[flags.cgroupsMode],
    ...(lock ? { network_lock: NETWORK_LOCKS[lock] } : {}),
    ...(emptyNetwork ? { empty_ns: ABI.CLONE_NEWNET } : {}),
  };
}

/**
 * Whether the devices of a new network namespace stay out of the image, as they always do with runc: those that lead out of
 * it cannot be made again by criu, and others need ip(8).
 */
export function leavesNetwork(
  config: OciConfig,
  { netDevices, tools }: Pick<DumpSituation, 'netDevices' | 'tools'>,
  { emptyNetwork }: Pick<CriuFlags, 'emptyNetwork'>,
): boolean {
  const network = config.linux.namespaces.find(({ type }) => type === 'network');
  return network !== undefined && (emptyNetwork || Boolean(network.path) || !tools.ip || lost(netDevices).length > 0);
}

/** Every network namespace has these; the kernel makes them. */
const EVERYWHERE = /^(lo|sit0|tunl0|ip6tnl0|gre0|gretap0|erspan0|ip6gre0|ip_vti0|ip6_vti0)$/;

/** Devices that a restored container will not have unless somebody gives it new ones. */
export function lost(netDevices: readonly string[]): string[] {
  return netDevices.filter((name) => !EVERYWHERE.test(name));
}

/** criu tells a container's files from the host's by its mount namespace. */
function mustBeApart(config: OciConfig): void {
  const { namespaces } = config.linux;
  const index = namespaces.findIndex(({ type }) => type === 'mount');
  if (index < 0) throw configError('linux.namespaces', 'has no mount namespace, which a checkpoint needs');
  if (namespaces[index]?.path) {
    throw configError(
      `linux.namespaces[${index}].path`,
      'is a mount namespace of others, which no checkpoint can hold',
    );
  }
}

/** The flags of `checkpoint` and `restore`, checked. */
import { resolve } from 'node:path';
import { VlabError } from '../../base/errors.js';
import type { Flags } from '../command-line.js';
import { CGROUP_MODES, NETWORK_LOCKS } from './criu-rpc.js';

export interface CriuFlags {
  imagePath: string;
  workPath?: string;
  parentPath?: string;
  leaveRunning: boolean;
  preDump: boolean;
  tcpEstablished: boolean;
  tcpSkipInFlight: boolean;
  tcpClose: boolean;
  extUnixSk: boolean;
  shellJob: boolean;
  lazyPages: boolean;
  fileLocks: boolean;
  linkRemap: boolean;
  autoDedup: boolean;
  emptyNetwork: boolean;
  cgroupsMode: keyof typeof CGROUP_MODES;
  networkLock?: keyof typeof NETWORK_LOCKS;
  pageServer?: { address: string; port: number };
  statusFd?: number;
  lsmProfile?: string;
  lsmMountContext?: string;
}

/** Errors: `input`. */
export function criuFlags(flags: Flags, cwd: string): CriuFlags {
  const workPath = flags.string('work-path');
  const parentPath = flags.string('parent-path');
  const pageServer = flags.string('page-server');
  const statusFd = flags.integer('status-fd') ?? -1;
  const networkLock = flags.string('network-lock');
  const [profile, context] = [flags.string('lsm-profile'), flags.string('lsm-mount-context')];
  if (parentPath?.startsWith('/')) throw new VlabError('input', '--parent-path must be relative to --image-path');
  if (statusFd >= 0 && statusFd < 3)
    throw new VlabError('input', `--status-fd ${statusFd}: a descriptor from 3 on is meant`);
  const strange = flags.list('empty-ns').find((name) => name !== 'network');
  if (strange !== undefined) throw new VlabError('input', `--empty-ns ${strange}: only network can be left empty`);
  return {
    imagePath: resolve(cwd, flags.string('image-path') || 'checkpoint'),
    ...(workPath ? { workPath: resolve(cwd, workPath) } : {}),
    ...(parentPath ? { parentPath } : {}),
    leaveRunning: flags.has('leave-running'),
    preDump: flags.has('pre-dump'),
    tcpEstablished: flags.has('tcp-established'),
    tcpSkipInFlight: flags.has('tcp-skip-in-flight'),
    tcpClose: flags.has('tcp-close'),
    extUnixSk: flags.has('ext-unix-sk'),
    shellJob: flags.has('shell-job'),
    lazyPages: flags.has('lazy-pages'),
    fileLocks: flags.has('file-locks'),
    linkRemap: flags.has('link-remap'),
    autoDedup: flags.has('auto-dedup'),
    emptyNetwork: flags.list('empty-ns').length > 0,
    cgroupsMode: oneOf(CGROUP_MODES, flags.string('manage-cgroups-mode') || 'soft', 'manage-cgroups-mode'),
    ...(networkLock ? { networkLock: oneOf(NETWORK_LOCKS, networkLock, 'network-lock') } : {}),
    ...(pageServer ? { pageServer: addressOf(pageServer) } : {}),
    ...(statusFd >= 0 ? { statusFd } : {}),
    ...(profile ? { lsmProfile: profile } : {}),
    ...(context ? { lsmMountContext: context } : {}),
  };
}

function oneOf<T extends string>(known: Readonly<Record<T, unknown>>, given: string, flag: string): T {
  if (Object.hasOwn(known, given)) return given as T;
  throw new VlabError('input', `--${flag} ${given}: one of ${Object.keys(known).join(', ')} is meant`);
}

/** `127.0.0.1:27`, `[::1]:27` */
function addressOf(text: string): { address: string; port: number } {
  const [, address = '', port = ''] = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (address && Number(port) > 0 && Number(port) < 65536) return { address, port: Number(port) };
  throw new VlabError('input', `--page-server ${text}: ADDRESS:PORT is meant`);
}

/** What the compiler of container plans must know of the machine. Read once; the compiler itself is pure. */
import { existsSync, statSync } from 'node:fs';
import type { CgroupLayout } from '../host/cgroup-layout.js';
import { inUserNamespace } from '../host/user-namespace.js';
import { type Arch, hostArch } from '../sys/abi.js';
import { type CgroupPlace, currentPlaces, preparePlaces } from './cgroup/places.js';
import type { HostAbilities } from './host-abilities.js';
import { type HostFiles, hostFiles } from './host-files.js';
import type { HostDevice } from './net-devices.js';
import type { SeccompFilter } from './seccomp/seccomp-filter.js';

export interface Situation {
  arch: Arch;
  /** Every hierarchy that a container can be put into. */
  cgroups: CgroupPlace[];
  /** Masked and read-only paths that this kernel has. */
  kernelPaths: Record<string, 'file' | 'directory'>;
  rootless: { uid: number; gid: number } | undefined;
  /** Absent: this machine's own, which are looked at only when something needs them. */
  host?: HostAbilities;
  /** The program keeps the caller's session keyring. */
  noNewKeyring?: boolean;
  /** The container's; names what is made for it. Absent: the last part of its cgroupsPath. */
  id?: string;
  /** The filter of linux.seccomp, compiled (`seccompFilter`); needed where there is one. */
  seccomp?: SeccompFilter;
  /** What the devices of linux.netDevices are (`readNetDevices`); needed where there are some. */
  netDevices?: Record<string, HostDevice>;
  /** Relative paths of the configuration begin there; absent: in the current directory. */
  bundle?: string;
  /** The host's root is one that pivot_root(2) cannot leave: a ramdisk. */
  noPivot?: boolean;
  /** vlab itself is in a user namespace, where no device node can be made. */
  inUserNamespace?: boolean;
  /** vlab may be in a container of somebody's, who may have forbidden to make device nodes. */
  inContainer?: boolean;
  /** Absent: nothing is known beforehand, and plans are longer. */
  files?: HostFiles;
}

/** Reads this machine's situation and makes vlab's cgroup parents. */
export function readSituation(paths: readonly string[], layout?: CgroupLayout): Situation {
  const uid = process.getuid?.() ?? 0;
  return {
    arch: hostArch(),
    cgroups: layout ? preparePlaces(layout, uid === 0) : currentPlaces(uid === 0),
    kernelPaths: Object.fromEntries(
      paths.filter(ofKernel).flatMap((path) => {
        const stat = statSync(path, { throwIfNoEntry: false });
        return stat ? [[path, stat.isDirectory() ? 'directory' : 'file'] as const] : [];
      }),
    ),
    rootless: uid === 0 ? undefined : { uid, gid: process.getgid?.() ?? 0 },
    inUserNamespace: inUserNamespace(),
    inContainer: CONTAINER_MARKS.some((path) => existsSync(path)),
    files: hostFiles,
  };
}

/** What systemd (its "Container Interface"), docker and podman leave in their containers. */
const CONTAINER_MARKS = ['/run/systemd/container', '/.dockerenv', '/run/.containerenv'];

/** Others are the image's, and say nothing here. */
const ofKernel = (path: string) => path.startsWith('/proc/') || path.startsWith('/sys/');

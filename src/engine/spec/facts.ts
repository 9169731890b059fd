/** What a container's OCI configuration needs to know beyond its definition, as it is at the moment of the start. */
import type { OciDevice, OciIdMapping } from '../../container/config/schema.js';
import type { Arch } from '../../sys/abi.js';
import type { ContainerResources } from '../define/definition-parts.js';

/** Who the program is, by the image's /etc/passwd and /etc/group (user.ts). */
export interface ResolvedUser {
  uid: number;
  gid: number;
  additionalGids: number[];
  /** `/` where /etc/passwd does not have the user. */
  home: string;
}

/** Another container, whose namespaces are joined. */
export interface JoinedContainer {
  pid: number;
  /** What is mounted at its /dev/shm, as this process reaches it. */
  shmPath: string;
}

/** A volume may be mounted several times, each with another directory of it. */
export function volumeKey({ name, subpath }: { name: string; subpath?: string }): string {
  return subpath === undefined ? name : `${name}/${subpath}`;
}

export interface GrantedDevice {
  device: OciDevice;
  /** Letters of `rwm`. */
  access: string;
}

export interface SpecFacts {
  arch: Arch;
  cgroupVersion: 1 | 2;
  /** root.path: an absolute path of the host. How it comes about is a RootMount's business. */
  rootPath: string;
  /** Where the files hosts, resolv.conf and hostname lie: the directory of the container, or of the one whose network it joins. */
  nameFilesDirectory: string;
  user: ResolvedUser;
  /** Where the data of each volume of the definition lies, by volumeKey. */
  volumePaths: ReadonlyMap<string, string>;
  /** By full id: each container whose namespace the definition joins. */
  joined: ReadonlyMap<string, JoinedContainer>;
  /** The nodes that definition.devices name, with their places in the container; with `privileged` all of the host's. */
  devices: readonly GrantedDevice[];
  /** Numbers of the block devices that the limits of input and output name, by path. */
  blockDevices: ReadonlyMap<string, { major: number; minor: number }>;
  /** Of a container whose ipc is `shareable`: a directory of the host that others can have at their /dev/shm too. */
  sharedShmPath?: string | undefined;
  /** What this machine cannot limit: it is left out, with a warning. */
  unsupported?: ReadonlySet<keyof ContainerResources> | undefined;
  /** A static reaper on the host, where `init` is asked for. */
  initPath?: string | undefined;
  /** Without root (or with a user namespace of its own): the maps. */
  idMaps?: { uid: readonly OciIdMapping[]; gid: readonly OciIdMapping[] } | undefined;
  /** True when vlab itself has no root: no gid 5, limits only where delegated, the cgroup below vlab's own. */
  rootless: boolean;
  /** In place of the definition's, once `update` has changed them. */
  resources?: ContainerResources | undefined;
}

/**
 * The parts of the OCI runtime configuration (runtime-spec 1.2, config.md and config-linux.md) that vlab compiles.
 * Names and meanings are the specification's.
 */
export interface OciConfig {
  ociVersion: string;
  process: OciProcess;
  root: { path: string; readonly?: boolean };
  hostname?: string;
  domainname?: string;
  mounts: OciMount[];
  linux: OciLinux;
}

export interface OciProcess {
  terminal?: boolean;
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] };
  args: string[];
  env: string[];
  cwd: string;
  capabilities?: Record<CapabilitySet, string[]>;
  noNewPrivileges?: boolean;
}
export type CapabilitySet = 'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient';

export interface OciMount {
  destination: string;
  type: 'proc' | 'sysfs' | 'tmpfs' | 'devpts' | 'mqueue';
  source: string;
  options: string[];
}

export interface OciDevice {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  fileMode: number;
}

export interface OciDeviceRule {
  allow: boolean;
  type: 'a' | 'c' | 'b';
  /** Absent: every number. */
  major?: number;
  minor?: number;
  access: string;
}

export interface OciLinux {
  namespaces: { type: OciNamespace }[];
  uidMappings?: OciIdMapping[];
  gidMappings?: OciIdMapping[];
  devices: OciDevice[];
  cgroupsPath: string;
  resources: {
    devices?: OciDeviceRule[];
    memory?: { limit?: number };
    cpu?: { quota?: number; period?: number };
    pids?: { limit: number };
  };
  maskedPaths: string[];
  readonlyPaths: string[];
}
export type OciNamespace = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'cgroup' | 'user';
export interface OciIdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

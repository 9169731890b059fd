/** What `run` and `create` were asked for, before the image and other containers have had their say (define-container.ts). */
import type { ContainerDefinition, HealthCheck } from './definition.js';
import type { DefinedMount } from './definition-parts.js';

/** What the image or another container may decide where nothing was asked for. */
type Open =
  | ('version' | 'id' | 'name' | 'createdAt' | 'root')
  | ('entrypoint' | 'command' | 'args' | 'env' | 'user' | 'cwd' | 'hostname' | 'stopSignal' | 'healthCheck')
  | ('mounts' | 'network' | 'namespaces' | 'security');

export type AskedVolume = Omit<Extract<DefinedMount, { kind: 'volume' }>, 'name'> & {
  /** Absent: an anonymous one. */
  name?: string;
};
export type AskedMount = Exclude<DefinedMount, { kind: 'volume' }> | AskedVolume;

/** `--no-healthcheck`, or what of the image's check is replaced. */
export type AskedHealthCheck = 'none' | Partial<HealthCheck>;

export interface AskedContainer extends Omit<ContainerDefinition, Open> {
  /** Empty: the image's is not used (`--entrypoint ""`). */
  entrypoint?: string[];
  command: string[];
  /** `NAME=VALUE`, or `NAME`: the image's variable of that name is not there. */
  env: string[];
  user?: string;
  cwd?: string;
  hostname?: string;
  stopSignal?: string;
  healthCheck?: AskedHealthCheck;
  mounts: AskedMount[];
  volumesFrom: { container: string; readonly: boolean }[];
  /** Modes are as they were written: `container:web`. */
  network: Omit<ContainerDefinition['network'], 'mode'> & { mode: string };
  namespaces: {
    pid: string;
    ipc: string;
    uts: 'private' | 'host';
    cgroup: 'private' | 'host';
    user: 'private' | 'host';
  };
  /** noNewPrivileges absent: off in an image's container, on where the root is a directory of the host. */
  security: Omit<ContainerDefinition['security'], 'noNewPrivileges'> & { noNewPrivileges?: boolean };
}

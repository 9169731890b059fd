/** What `inspect` says of a container: docker's ContainerJSON (Engine API 1.43 and later), made of its record. Pure. */
import { asMap } from '../../base/go-map.js';
import type { Status } from '../record/container-state.js';
import type { ContainerRecord } from '../record/records.js';
import { createdCommand, runConfigDocument } from './config-document.js';
import { hostConfigDocument } from './host-config-document.js';
import { networkSettingsDocument } from './network-document.js';

/** What the record does not have. */
export interface ContainerSurroundings {
  status: Status;
  /** Absolute paths of its own files. */
  files: { resolvConf: string; hostname: string; hosts: string; log: string };
  /** `overlay`; `data`: directories by docker's names (LowerDir, UpperDir, WorkDir, MergedDir). */
  graphDriver: { name: string; data: Readonly<Record<string, string>> };
  /** Where a volume lies on the host, by its name. */
  mountpointOf: (volume: string) => string;
  /** Of processes that `exec` runs in it. */
  execIds: readonly string[];
  size?: { layerBytes: number; rootBytes: number } | undefined;
}

export type ContainerDocument = ReturnType<typeof containerDocument>;

/** Go's time.Time that was never set. */
const NEVER = '0001-01-01T00:00:00Z';

export function containerDocument(record: ContainerRecord, surroundings: ContainerSurroundings) {
  const { definition, state } = record;
  const { files, graphDriver, size } = surroundings;
  const { path, args } = createdCommand(definition);
  return {
    Id: record.id,
    Created: definition.createdAt,
    Path: path,
    Args: args,
    State: stateDocument(record, surroundings.status),
    Image: definition.root.kind === 'image' ? definition.root.id : '',
    ResolvConfPath: files.resolvConf,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: definition.log.driver === 'none' ? '' : files.log,
    Name: `/${state.name}`,
    RestartCount: state.restartCount,
    Driver: graphDriver.name,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: surroundings.execIds.length > 0 ? [...surroundings.execIds] : null,
    HostConfig: hostConfigDocument(record),
    GraphDriver: { Data: asMap(graphDriver.data), Name: graphDriver.name },
    ...(size && { SizeRw: size.layerBytes, SizeRootFs: size.rootBytes }),
    Mounts: definition.mounts.flatMap((mount) => mountDocument(mount, surroundings.mountpointOf)),
    Config: runConfigDocument(definition),
    NetworkSettings: networkSettingsDocument(record, surroundings.status),
  };
}

function stateDocument({ state }: ContainerRecord, status: Status) {
  const isRunning = status === 'running' || status === 'paused';
  return {
    Status: status,
    Running: isRunning || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: status === 'dead',
    Pid: isRunning ? (state.process?.pid ?? 0) : 0,
    ExitCode: isRunning ? 0 : state.exitCode,
    Error: state.error ?? '',
    StartedAt: state.startedAt ?? NEVER,
    FinishedAt: state.finishedAt ?? NEVER,
    ...(state.health && {
      Health: {
        Status: state.health.status,
        FailingStreak: state.health.failingStreak,
        Log: state.health.log.map(({ start, end, exitCode, output }) => ({
          Start: start,
          End: end,
          ExitCode: exitCode,
          Output: output,
        })),
      },
    }),
  };
}

type Mount = ContainerRecord['definition']['mounts'][number];

/** docker lists a tmpfs of `--mount` here, and one of `--tmpfs` in HostConfig.Tmpfs. */
function mountDocument(mount: Mount, mountpointOf: (volume: string) => string) {
  switch (mount.kind) {
    case 'bind':
      return [
        {
          Type: 'bind',
          Source: mount.source,
          Destination: mount.destination,
          Mode: mount.origin === 'volume' && mount.readonly ? 'ro' : '',
          RW: !mount.readonly,
          Propagation: mount.propagation,
        },
      ];
    case 'volume':
      return [
        {
          Type: 'volume',
          Name: mount.name,
          Source: mountpointOf(mount.name),
          Destination: mount.destination,
          Driver: mount.driver,
          Mode: mount.origin === 'volume' ? (mount.readonly ? 'ro' : 'z') : '',
          RW: !mount.readonly,
          Propagation: '',
        },
      ];
    case 'tmpfs':
      if (mount.origin === 'tmpfs') return [];
      return [
        {
          Type: 'tmpfs',
          Source: '',
          Destination: mount.destination,
          Mode: '',
          RW: !mount.readonly,
          Propagation: '',
        },
      ];
  }
}

/** What changes about a container, as state.json keeps it, and what it means at this moment. */
import type { Cgroup } from '../../container/cgroup/cgroup.js';
import type { PublishedPort } from '../../network/ports.js';
import type { Process } from '../../sys/owners.js';
import type { ContainerResources, NetworkAttachment, RestartPolicy } from '../define/definition-parts.js';

/** A process that no reused pid and no later boot can imitate. */
export interface BootProcess extends Process {
  /** /proc/sys/kernel/random/boot_id (random(4)). */
  bootId: string;
}

/** A network that a container is, or will be, connected to: as the definition or `network connect` asked for it. */
export interface Attachment extends NetworkAttachment {
  /** While it runs (src/network/leases.ts). */
  lease?: {
    id: string;
    networkId: string;
    device: string;
    addresses: string[];
    /** Of the addresses' subnets. */
    prefixLengths: number[];
    gateways: string[];
    mac: string;
  };
}

export interface HealthProbe {
  /** RFC 3339. */
  start: string;
  end: string;
  exitCode: number;
  /** At most 4096 bytes. */
  output: string;
}

export interface Health {
  status: 'starting' | 'healthy' | 'unhealthy';
  failingStreak: number;
  /** The last five, oldest first. */
  log: HealthProbe[];
}

/** What `update` has changed of the definition. */
export interface Updated {
  restart?: RestartPolicy;
  resources?: ContainerResources;
}

export interface ContainerState {
  /** Without a slash. */
  name: string;
  /** As it was written last; only `statusOf` says how it is. `starting`, `removing`: somebody with the lock is at it, or was killed. */
  phase: 'created' | 'starting' | 'running' | 'exited' | 'removing';
  /** In phase `running`: its first process on the host, and the performer that is its parent. */
  process?: BootProcess;
  monitor?: BootProcess;
  /** Of the last start, from before anything of it is made. */
  cgroup?: Cgroup;
  /** RFC 3339, of the last start and the last end. */
  startedAt?: string;
  finishedAt?: string;
  /** docker's: the program's own, 128+n for a signal, 125 to 127 when it could not be run. */
  exitCode: number;
  /** Why it could not be started. */
  error?: string;
  oomKilled: boolean;
  /** By its restart policy, since somebody started it. */
  restartCount: number;
  /** Somebody ended it with `stop`, `kill` or `restart`: no policy starts it again but `always`, after a boot. */
  stopAsked: boolean;
  /** The policy will start it at this time (RFC 3339), if nobody stops it before. */
  restartAt?: string;
  /** The wait before its last start by the policy. */
  restartDelayMs?: number;
  health?: Health;
  attachments: Attachment[];
  /** While it runs: as they were published, with the host's ports that were chosen. */
  ports?: PublishedPort[];
  updated: Updated;
  /** In phase `removing`: its anonymous volumes go with it. */
  removesVolumes?: boolean;
}

export type Status = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

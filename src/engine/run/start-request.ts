/**
 * What one start of a container takes and tells. `startContainer(StartRequest): Promise<Started>` (start-container.ts) is the
 * only way that the engine starts a program; what the container is called, who may start it and what follows its end is the
 * caller's business.
 */
import type { Cgroup } from '../../container/cgroup/cgroup.js';
import type { PlannedCgroup } from '../../container/cgroup/planned-cgroup.js';
import type { OciConfig } from '../../container/config/schema.js';
import type { RootMount } from '../../storage/root-mount.js';
import type { Process } from '../../sys/owners.js';
import type { BootProcess } from '../record/container-state.js';

/** Where output is kept; docs of the lines: log-line.ts. */
export interface LogOptions {
  /** `none`: nowhere, and only who is attached sees it. */
  driver: 'file' | 'none';
  /** A file that has grown so large is followed by a new one; absent: never. */
  maxBytes?: number;
  /** How many files are kept, the one that is written among them; at least 1. */
  maxFiles: number;
}

export interface StartRequest {
  /** 64 hexadecimal digits. */
  id: string;
  /** containerDir(id): the end and the log are written there. */
  dir: string;
  /** containerRunDir(id): the attach socket's place. Made here, removed at the end. */
  runDir: string;
  /** `process.terminal`: it gets a terminal. */
  config: OciConfig;
  /** What its root is made of; absent: the directory `config.root.path`. */
  rootMount?: RootMount;
  /** `-i`: clients that attach may write to it; `once`: it ends when the first of them has ended (`run -i`). */
  stdin: 'open' | 'once' | 'closed';
  log: LogOptions;
  /** It boots an init. */
  system?: boolean;
  /** Where it goes, if not where vlab's containers usually do. */
  cgroup?: PlannedCgroup;
  /**
   * Its first process exists, in its namespaces, and waits: the place to write down that it is there, and to connect
   * /proc/PID/ns/net. `cgroup` is what pause, update and stats act on. What this throws ends the start, and everything that was made for it is removed.
   */
  onBorn?(init: BootProcess, monitor: BootProcess, cgroup: Cgroup): Promise<void>;
  /** What the monitor becomes when everything of the run is over: an absolute path and its words; environment: finishEnv. */
  finish: readonly string[];
  finishEnv: readonly string[];
  /**
   * The caller stays and does at the end what `finish` would: `finish` is run only when the caller has died before. Then
   * `Started.ended` is there.
   */
  waits?: boolean;
  /** A client of its output that is there before its first byte, and that it waits for: what `run` without -d is. */
  attach?: AttachStreams;
}

/** What an attached client carries bytes between: a person's terminal, pipes, or a test's streams. */
export interface AttachStreams {
  /** Absent: `--no-stdin`, `-a` without stdin, or a container without `-i`. */
  stdin?: NodeJS.ReadableStream;
  stdout?: NodeJS.WritableStream;
  /** Of a container with a terminal everything comes to stdout. */
  stderr?: NodeJS.WritableStream;
  /** The bytes of detach-keys.ts; absent or empty: nobody leaves so. */
  detachKeys?: Buffer;
  /** Of the window, where the container has a terminal. */
  size?: WindowSize;
  /** The container waits for it, as it would for a pipe's reader. Another client that falls far behind is cut off. */
  waits?: boolean;
}

export interface WindowSize {
  rows: number;
  columns: number;
}

export interface Started {
  init: BootProcess;
  /** It is the parent of `init`, writes down how it ended and removes its cgroups. */
  monitor: BootProcess;
  /** Directories of cgroups; a monitor that was killed leaves them to the owners' sweep. */
  cgroups: string[];
  /** With `waits`: when the end is written down and the cgroups are gone. */
  ended?: Promise<ContainerEnd>;
  /** With `attach`. */
  attachment?: Attachment;
}

export interface Attachment {
  /**
   * Why it is over: the container's output has ended, somebody left (by the keys or `detach`), nobody reads any more what comes
   * out here, or it was cut off, since it fell too far behind or the container's monitor was killed.
   */
  readonly over: Promise<'ended' | 'detached' | 'unread' | 'cut'>;
  resize(size: WindowSize): void;
  detach(): void;
}

/** How a run ended, as its monitor wrote it down. */
export interface ContainerEnd {
  /** docker's: the program's own, or 128 and the number of the signal that ended it. */
  exitCode: number;
  signal?: number;
  /** The kernel ended a process of it for want of memory. */
  oomKilled: boolean;
  /** Unix time in nanoseconds. */
  startedAtNs: bigint;
  finishedAtNs: bigint;
  /** Whose end it is: a file of an earlier start is not taken for this one's. */
  init: Process;
}

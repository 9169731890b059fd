/**
 * What a technology must offer to be compared. Everything above this file (the lab, the reports) knows only this
 * interface; everything below knows nothing of trials.
 */

import type { z } from 'zod';

/** Where the boundary between the workload and the host lies. */
export type Boundary = 'none' | 'namespaces' | 'user-space kernel' | 'virtual machine';

/** How a guest's instructions run. Empty where there is no guest. `tcg` is software emulation. */
export type Accel = '' | 'kvm' | 'tcg';

/** Ready, or what is missing and the one line that mends it. */
export type Support =
  | { ready: true; version: string; accel: Accel; notes: string[] }
  | { ready: false; missing: string; mend: string };

/**
 * One start, seen from outside on the host's CLOCK_MONOTONIC, in ns. A checkpoint that a technology does not show is
 * absent, never guessed.
 */
export interface Checkpoints {
  /** t0: the request was completely received by the process that starts the arm. */
  requested?: bigint;
  /** t1: cloned, or the VMM (or the peer's command) spawned. */
  spawned?: bigint;
  /** t2: pivot_root (or chroot) done, or the first sign of the guest. */
  rooted?: bigint;
  /** t3: immediately before the payload's execve. */
  exec?: bigint;
  /** t4: first byte of the payload's output arrived on the host. */
  firstByte?: bigint;
  /** t5: ready, by the job's definition. */
  ready?: bigint;
  /** t6: the payload ended. */
  exited?: bigint;
  /** t7: reaped, and its mounts and cgroups are gone. */
  clean?: bigint;
  /** Network namespaces drain later: when the count of them was back, where this was watched. */
  netnsDrained?: bigint;
}
export type CheckpointName = keyof Checkpoints;

export interface Limits {
  memoryBytes?: number;
  /** CPUs' worth of time, 0.5 is half of one. */
  cpus?: number;
  pids?: number;
}

/** What is to be started. */
export interface Job {
  /** A directory on the host that becomes (or is copied into) the root file system. */
  rootfs: string;
  /** argv inside the root file system; argv[0] is an absolute path there. */
  command: string[];
  env: Record<string, string>;
  limits: Limits;
  /** `first-byte`: the first byte of output means ready. `exit`: a successful end does. */
  ready: 'first-byte' | 'exit';
  /** Where trial output and driver state may be written, best on a tmpfs; belongs to the caller, who removes it. */
  scratchDir: string;
  /** Driver options from the scenario (`machine: microvm`), already checked by the driver's schema. */
  options: Record<string, unknown>;
}

export interface Exit {
  /** Exit code, or undefined when a signal ended it. */
  code?: number;
  signal?: number;
}

/** Memory held by one running instance, in bytes; absent where it cannot be read. */
export interface Footprint {
  rssBytes?: number;
  pssBytes?: number;
  cgroupBytes?: number;
  processes: number;
}

export interface Instance extends AsyncDisposable {
  /** Filled in as the start goes on; complete after `wait`. */
  readonly checkpoints: Checkpoints;
  /** Path of the file that holds the payload's standard output. */
  readonly stdoutPath: string;
  readonly stderrPath: string;
  exec(command: string[]): Promise<Instance>;
  /** Signal number to the payload's first process. */
  kill(signal: number): Promise<void>;
  wait(): Promise<Exit>;
  footprint(): Promise<Footprint>;
}

export interface Prepared extends AsyncDisposable {
  /** The timed part. Returns when the payload is ready, or has ended. Aborting leaves nothing behind. */
  start(signal: AbortSignal): Promise<Instance>;
  /** How the guest of this very job runs, where the job's options decide it. Absent: as the probe said. */
  readonly accel?: Accel;
  /** The same for the driver's circumstances (a guest kernel that an option chose). */
  readonly circumstances?: Circumstances;
  /** The plan, for --show-plan; undefined for the fake driver. */
  explain?(): string;
}

/** What else differs from the host's own way of running the program; reports list it beside each ratio. */
export interface Circumstances {
  /** The kernel that the program's system calls reach, with its version. */
  kernel?: string;
  /** What the program sees as its root, and how it gets there (bind mount, copy, initramfs, …). */
  rootfs?: string;
  /** What is warm and what is cold when the timed part begins. */
  caches?: string;
}

export interface Driver {
  readonly name: string;
  readonly boundary: Boundary;
  /** One sentence for reports: what stands between this workload and the host. */
  readonly summary: string;
  /** Absent: the host's kernel, the job's directory, the host's page cache. */
  readonly circumstances?: Circumstances;
  /** What `Job.options` may hold; scenario files are checked against it, key by key. Absent: the driver takes no options. */
  readonly optionsSchema?: z.ZodType<Record<string, unknown>>;
  /** It runs something; never throws. */
  probe(): Promise<Support>;
  /** Untimed: unpack, write configuration, compile the plan. */
  prepare(job: Job): Promise<Prepared>;
}

/**
 * What a reader must know to trust the rows of one run: results/RUN/manifest.json. It is written before the first trial
 * and again at the end; a run that was killed keeps the first version, with `partial: true`.
 */
import type { Accel, Boundary, Circumstances, Limits } from '../drivers/driver.js';
import type { HostFacts } from '../host/facts.js';
import type { Pressure } from './pressure.js';
import type { StartMetric } from './row.js';

/** One arm as it really ran: what the scenario asked for and what the driver's probe said of this machine. */
export interface ManifestArm {
  /** Unique in the run; the `arm` column of trials.csv. */
  label: string;
  driver: string;
  boundary: Boundary;
  /** The driver's sentence: what stands between this workload and the host. */
  summary: string;
  /** What the driver says of kernel, root file system and caches. */
  circumstances?: Circumstances;
  /** Version of the technology, from the probe; empty when the arm could not be probed. */
  version: string;
  accel: Accel;
  options: Record<string, unknown>;
  limits: Limits;
  /** The arm takes part in each block whose number is divisible by this. */
  every: number;
  /** Remarks of the probe that a reader should see (an accelerator that was refused, and why). */
  notes: string[];
  /** Why the arm was left out before the first trial: not supported here, or its functional check failed. */
  excluded?: string;
}

/** The scenario as it was run, after --runs, --only and --seed. */
export interface ManifestScenario {
  name: string;
  title: string;
  question: string;
  /** The headline metric. */
  metric: StartMetric;
  /** Label of the arm that ratios are taken against. */
  baseline: string;
  ready: 'first-byte' | 'exit';
  blocks: number;
  warmup: number;
  deadlineMs: number;
}

export interface ManifestPayload {
  command: string[];
  env: Record<string, string>;
  /** As written in the scenario: a built-in name or a path. Absent where it is an image. */
  rootfs?: string;
  /** The image with the digest of its manifest: `docker.io/library/probe@sha256:…`. */
  image?: string;
  /** The directory it resolved to on this machine. */
  rootfsDir: string;
  /** `sha256:…`: of the image's manifest, or over the names, modes and contents of the root file system. */
  rootfsDigest: string;
  /** sha256 of the file that argv[0] names in the root file system, hexadecimal. */
  programSha256: string;
  /** What the functional check expected of every arm. */
  check: { exit: number; stdout?: string };
}

export interface Manifest {
  format: 1;
  /** The run id; also the name of the folder. */
  run: string;
  scenario: ManifestScenario;
  /** The words after `vlab`, as they were typed. */
  argv: string[];
  /** A shell line that makes this run again: same arms, same schedule. */
  command: string;
  /** Seed of the schedule. */
  seed: number;
  /** In the order of the scenario, excluded ones too. */
  arms: ManifestArm[];
  payload: ManifestPayload;
  /** From host/facts: CPU, memory, kernel, mitigations, …. */
  host: HostFacts;
  /** Versions of vlab, Node and the kernel. */
  versions: Record<string, string>;
  /** State of the checkout; null outside one. */
  git: { commit: string; dirty: boolean } | null;
  pressureBefore: Pressure;
  /** Absent while the run goes on, and in a run that was killed. */
  pressureAfter?: Pressure;
  trialsPlanned: number;
  /** True until the last planned trial has its rows. */
  partial: boolean;
  /** Why it is partial, for the reader: `running`, `interrupted by SIGINT`, `the disk is full`, …. */
  partialReason?: string;
  /** What went wrong beside the rows: something a trial left behind, an arm that was given up on the way. */
  remarks: string[];
  /** RFC 3339, UTC. */
  startedAt: string;
  endedAt?: string;
  /** When the run was taken up again by --resume, RFC 3339. */
  resumedAt: string[];
}

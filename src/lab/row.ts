/**
 * One observation of one trial: a line of trials.csv. Failures, warm-ups, order and times are kept; nothing is dropped.
 */
import type { Accel, CheckpointName } from '../drivers/driver.js';

export type Outcome = 'ok' | 'failed' | 'timeout' | 'cancelled' | 'skipped';

/** The start metrics: time from t0 to a checkpoint, in ns. `requested` is t0 itself and no metric. */
export type StartMetric = Exclude<CheckpointName, 'requested'>;
export const START_METRICS: readonly StartMetric[] = [
  'spawned',
  'rooted',
  'exec',
  'firstByte',
  'ready',
  'exited',
  'clean',
  'netnsDrained',
];

export interface Row {
  /** 0-based block; a block holds each arm at most once, in random order. Warm-up blocks are negative. */
  block: number;
  /** 0-based position in the whole schedule. */
  order: number;
  /** Arm label, unique in a run (`vm`, `vm-microvm`, `a`). */
  arm: string;
  driver: string;
  metric: StartMetric | 'start';
  /** Empty unless the outcome is ok and the technology shows the checkpoint. */
  value: number | undefined;
  unit: 'ns';
  outcome: Outcome;
  /** Why, when the outcome is not ok. */
  reason: string;
  warmup: boolean;
  /** CLOCK_MONOTONIC at t0, ns, as a decimal string (exceeds 2^53 in principle). */
  started_at_ns: string;
  accel: Accel;
}

/** Columns of trials.csv, in order. */
export const ROW_COLUMNS = [
  'block',
  'order',
  'arm',
  'driver',
  'metric',
  'value',
  'unit',
  'outcome',
  'reason',
  'warmup',
  'started_at_ns',
  'accel',
] as const satisfies readonly (keyof Row)[];

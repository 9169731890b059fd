/** Where the time of a start goes: medians of t1 … t7 as pieces that add up. */
import type { Row, StartMetric } from '../lab/row.js';
import { quantile } from '../stats/quantile.js';
import type { ReportArm } from './report-data.js';

export const STACKED: readonly StartMetric[] = ['spawned', 'rooted', 'exec', 'firstByte', 'ready', 'exited', 'clean'];

export interface StackPiece {
  metric: StartMetric;
  /** Median time from t0, ms. */
  untilMs: number;
  /** Time since the checkpoint before it that is shown (or since t0), ms. */
  lengthMs: number;
}

/**
 * The pieces of each arm, by its anchor. A checkpoint that the arm does not show is left out, and its time belongs to the
 * next one. Only trials that show all of the arm's checkpoints count: the medians of the same trials stay in order.
 */
export function checkpointStacks(rows: readonly Row[], arms: readonly ReportArm[]): Map<string, StackPiece[]> {
  const trials = new Map<string, Map<number, Map<StartMetric, number>>>();
  for (const row of rows) {
    if (row.warmup || row.outcome !== 'ok' || row.value === undefined || row.metric === 'start') continue;
    const key = `${row.accel} ${row.arm}`;
    const ofArm = trials.get(key) ?? new Map<number, Map<StartMetric, number>>();
    trials.set(key, ofArm);
    const ofTrial = ofArm.get(row.order) ?? new Map<StartMetric, number>();
    ofArm.set(row.order, ofTrial);
    ofTrial.set(row.metric, row.value / 1e6);
  }
  return new Map(
    arms.map((arm) => [arm.anchor, piecesOf([...(trials.get(`${arm.accel} ${arm.arm}`)?.values() ?? [])])]),
  );
}

function piecesOf(trials: readonly Map<StartMetric, number>[]): StackPiece[] {
  const shown = STACKED.filter((metric) => trials.filter((trial) => trial.has(metric)).length * 2 >= trials.length);
  const whole = trials.filter((trial) => shown.every((metric) => trial.has(metric)));
  if (whole.length === 0) return [];
  let beforeMs = 0;
  return shown.map((metric) => {
    const untilMs = quantile(Float64Array.from(whole, (trial) => trial.get(metric) as number).sort(), 0.5);
    const lengthMs = untilMs - beforeMs;
    beforeMs = untilMs;
    return { metric, untilMs, lengthMs };
  });
}

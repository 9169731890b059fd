/** Where the time of a start goes: medians of t1 … t7 as pieces that add up. */
import type { StartMetric } from '../lab/row.js';
import { quantile } from '../stats/quantile.js';
import type { TrialLine } from './arm-trials.js';

export const STACKED: readonly StartMetric[] = ['spawned', 'rooted', 'exec', 'firstByte', 'ready', 'exited', 'clean'];

export interface StackPiece {
  metric: StartMetric;
  /** Median time from t0, ms. */
  untilMs: number;
  /** Time since the checkpoint before it that is shown (or since t0), ms. */
  lengthMs: number;
}

/**
 * The pieces of one arm. A checkpoint that the arm does not show is left out, and its time belongs to the next one. Only
 * good trials that show all of the arm's checkpoints count: the medians of the same trials stay in order.
 */
export function checkpointStack(trials: readonly TrialLine[]): StackPiece[] {
  const good = trials.filter(({ warmup, outcome }) => !warmup && outcome === 'ok').map(({ timesMs }) => timesMs);
  const shown = STACKED.filter(
    (metric) => good.filter((times) => times[metric] !== undefined).length * 2 >= good.length,
  );
  const whole = good.filter((times) => shown.every((metric) => times[metric] !== undefined));
  if (whole.length === 0) return [];
  let beforeMs = 0;
  return shown.map((metric) => {
    const untilMs = quantile(Float64Array.from(whole, (times) => times[metric] as number).sort(), 0.5);
    const lengthMs = untilMs - beforeMs;
    beforeMs = untilMs;
    return { metric, untilMs, lengthMs };
  });
}

/**
 * How many times longer one thing takes than another, with a 95 % interval. The block is the independent unit: whatever a
 * busy machine does to one block it does to both arms, so ratios are taken inside blocks and blocks are resampled.
 */
import {
  EXHAUSTIVE_BLOCKS,
  everySubsetMedian,
  RANDOM_SUBSETS,
  randomSubsetMedians,
  typicalValueInterval,
} from './double-or-nothing.js';
import { quantile } from './quantile.js';
import type { Random } from './random.js';

export const CONFIDENCE = 0.95;

/** Below five blocks even the whole range of them misses the truth more often than once in eight times. */
export const MIN_BLOCKS = 5;

export type RatioVerdict = 'distinguishable' | 'not distinguishable' | 'too few blocks';

export interface Ratio {
  /** Blocks that count: both sides have an observation there. */
  blocks: number;
  /** Median of the blocks' ratios; absent without a block. */
  ratio?: number;
  /** Absent when there are too few blocks. */
  low?: number;
  high?: number;
  verdict: RatioVerdict;
}

/**
 * The ratio arm : baseline from values of the same blocks. `arm[i]` and `baseline[i]` belong to one block; all are above
 * zero. The estimate is the median of the ratios (on a log scale, so that a : b is one over b : a).
 */
export function pairedRatio(arm: ArrayLike<number>, baseline: ArrayLike<number>, random: Random): Ratio {
  const logs = Float64Array.from(arm, (value, block) => Math.log(value / (baseline[block] as number))).sort();
  if (logs.length === 0) return { blocks: 0, verdict: 'too few blocks' };
  const ratio = Math.exp(quantile(logs, 0.5));
  if (logs.length < MIN_BLOCKS) return { blocks: logs.length, ratio, verdict: 'too few blocks' };
  const medians =
    logs.length <= EXHAUSTIVE_BLOCKS
      ? everySubsetMedian(logs)
      : randomSubsetMedians(logs, RANDOM_SUBSETS, random).sort();
  return judged(logs.length, ratio, medians);
}

/**
 * The ratio a : b from blocks that have nothing to do with each other: two runs. The estimate is the ratio of the medians;
 * both sides are resampled. All values are above zero. Conservative: it finds fewer than 5 % false alarms (see the
 * decision record), and it cannot see that the machine itself was slower on one of the two days.
 */
export function unpairedRatio(a: ArrayLike<number>, b: ArrayLike<number>, random: Random): Ratio {
  const logsA = Float64Array.from(a, Math.log).sort();
  const logsB = Float64Array.from(b, Math.log).sort();
  const blocks = Math.min(logsA.length, logsB.length);
  if (blocks === 0) return { blocks, verdict: 'too few blocks' };
  const ratio = Math.exp(quantile(logsA, 0.5) - quantile(logsB, 0.5));
  if (blocks < MIN_BLOCKS) return { blocks, ratio, verdict: 'too few blocks' };
  const mediansA = randomSubsetMedians(logsA, RANDOM_SUBSETS, random);
  const mediansB = randomSubsetMedians(logsB, RANDOM_SUBSETS, random);
  return judged(blocks, ratio, mediansA.map((value, index) => value - (mediansB[index] as number)).sort());
}

function judged(blocks: number, ratio: number, medians: Float64Array): Ratio {
  const interval = typicalValueInterval(medians, CONFIDENCE);
  const low = Math.exp(interval.low);
  const high = Math.exp(interval.high);
  return { blocks, ratio, low, high, verdict: low > 1 || high < 1 ? 'distinguishable' : 'not distinguishable' };
}

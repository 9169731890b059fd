/** Trials → figures. Pure. */

import { seededRandom } from '../src/stats/random.js';
import { pairedRatio, type Ratio } from '../src/stats/ratio.js';
import { type SampleSummary, summariseSamples } from '../src/stats/sample-summary.js';
import type { Comparison, Metric, Quantity } from './comparisons.js';

/** One start of one arm, ns. */
export interface Trial {
  block: number;
  arm: string;
  times: Partial<Record<Metric, number>>;
}

/** Milliseconds by block number. */
export function valuesOf(trials: readonly Trial[], { arm, metric }: Quantity): Map<number, number> {
  return new Map(
    trials.flatMap((trial) => {
      const ns = trial.arm === arm ? trial.times[metric] : undefined;
      return ns === undefined ? [] : [[trial.block, ns / 1e6] as const];
    }),
  );
}

export interface Figure extends Quantity {
  /** Milliseconds. */
  summary: SampleSummary;
}

/** Every arm and metric that was measured, in the order of first appearance in `arms`. */
export function figuresOf(trials: readonly Trial[], arms: readonly string[], metrics: readonly Metric[]): Figure[] {
  return arms.flatMap((arm) =>
    metrics.flatMap((metric) => {
      const summary = summariseSamples([...valuesOf(trials, { arm, metric }).values()]);
      return summary ? [{ arm, metric, summary }] : [];
    }),
  );
}

export interface Compared extends Comparison {
  ratio: Ratio;
  /** Absent without a promise. The estimate is judged; the interval says how far to trust the judgement. */
  kept?: boolean;
}

/** Comparisons whose two sides were both measured. The ratio is taken inside blocks. */
export function compare(trials: readonly Trial[], comparisons: readonly Comparison[], seed: number): Compared[] {
  return comparisons.flatMap((comparison) => {
    const { of, to, atMost } = comparison;
    const above = valuesOf(trials, of);
    const below = valuesOf(trials, to);
    const blocks = [...above.keys()].filter((block) => below.has(block));
    const pick = (values: Map<number, number>) => blocks.map((block) => values.get(block) as number);
    const random = seededRandom(seed, `${of.arm} ${of.metric} to ${to.arm} ${to.metric}`);
    const ratio = pairedRatio(pick(above), pick(below), random);
    if (ratio.ratio === undefined) return [];
    return [{ ...comparison, ratio, ...(atMost === undefined ? {} : { kept: ratio.ratio <= atMost }) }];
  });
}

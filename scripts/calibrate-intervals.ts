/**
 * Measures how often the interval of a ratio excludes 1 when nothing differs, for several methods, and how wide it is:
 *   npm run calibrate [-- RUNS]
 * docs/decisions/0003-ratio-intervals.md holds the result. The methods that were not chosen live only here.
 */

import { cumulativeStdNormalProbability, probit } from 'simple-statistics';
import { quantile } from '../src/stats/quantile.js';
import { type Random, seededRandom } from '../src/stats/random.js';
import { pairedRatio, unpairedRatio } from '../src/stats/ratio.js';
import { NOISES, type Noise, simulateArms } from '../test/fixtures/statistics/noise.js';

const RUNS = Number(process.argv[2] ?? 2000);
const RESAMPLES = 999;

type Interval = readonly [low: number, high: number];
type Estimate = (sorted: Float64Array) => number;
/** From ascending log ratios. */
type Method = (logs: Float64Array, random: Random) => Interval;

const median: Estimate = (sorted) => quantile(sorted, 0.5);
const trimmedMean: Estimate = (sorted) => trimmed(sorted, 0.2).mean;

/** The trimmed mean and its standard error (Yuen, 1974). */
function trimmed(sorted: Float64Array, share: number): { mean: number; error: number } {
  const cut = Math.floor(share * sorted.length);
  const kept = sorted.subarray(cut, sorted.length - cut);
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  const low = kept[0] as number;
  const high = kept.at(-1) as number;
  const winsorisedMean = (mean * kept.length + cut * (low + high)) / sorted.length;
  const square = (value: number): number => (value - winsorisedMean) ** 2;
  const squares = kept.reduce((sum, value) => sum + square(value), 0) + cut * (square(low) + square(high));
  return { mean, error: Math.sqrt(squares / (kept.length * (kept.length - 1))) };
}

function resampled(sorted: Float64Array, random: Random): Float64Array {
  return sorted.map(() => sorted[random.below(sorted.length)] as number).sort();
}

function halved(sorted: Float64Array, random: Random): Float64Array {
  for (;;) {
    const chosen = sorted.filter(() => random.uint32() < 2 ** 31);
    if (chosen.length > 0) return chosen;
  }
}

type Resample = (sorted: Float64Array, random: Random) => Float64Array;

function percentile(estimate: Estimate, resample: Resample): Method {
  return (logs, random) => {
    const estimates = Float64Array.from({ length: RESAMPLES }, () => estimate(resample(logs, random))).sort();
    return [estimates[24] as number, estimates[RESAMPLES - 25] as number];
  };
}

/** Efron's bias-corrected and accelerated percentile interval (1987). */
function bca(estimate: Estimate): Method {
  return (logs, random) => {
    const observed = estimate(logs);
    const estimates = Float64Array.from({ length: RESAMPLES }, () => estimate(resampled(logs, random))).sort();
    const below = estimates.reduce((sum, value) => sum + (value < observed ? 1 : value === observed ? 0.5 : 0), 0);
    const bias = probit(Math.min(Math.max(below / RESAMPLES, 1 / RESAMPLES), 1 - 1 / RESAMPLES));
    const left = Float64Array.from(logs, (_, out) => estimate(logs.filter((__, at) => at !== out)));
    const mean = left.reduce((sum, value) => sum + value, 0) / left.length;
    const squares = left.reduce((sum, value) => sum + (mean - value) ** 2, 0);
    const cubes = left.reduce((sum, value) => sum + (mean - value) ** 3, 0);
    const acceleration = squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
    const at = (z: number): number =>
      quantile(estimates, cumulativeStdNormalProbability(bias + (bias + z) / (1 - acceleration * (bias + z))));
    return [at(-1.96), at(1.96)];
  };
}

/** Symmetric bootstrap-t of the trimmed mean (Wilcox, Introduction to Robust Estimation). */
const bootstrapT: Method = (logs, random) => {
  const observed = trimmed(logs, 0.2);
  const distances = Float64Array.from({ length: RESAMPLES }, () => {
    const { mean, error } = trimmed(resampled(logs, random), 0.2);
    const distance = Math.abs(mean - observed.mean);
    return error > 0 ? distance / error : distance === 0 ? 0 : Number.POSITIVE_INFINITY;
  }).sort();
  const reach = (distances[949] as number) * observed.error;
  return [observed.mean - reach, observed.mean + reach];
};

/** Huber's location with the scale of the whole sample (1.345 times the normalised median deviation). */
const huber: Method = (logs, random) => {
  const middle = median(logs);
  const scale = 1.4826 * median(logs.map((value) => Math.abs(value - middle)).sort());
  const bound = 1.345 * (scale || 1e-12);
  const location: Estimate = (sorted) => {
    let at = median(sorted);
    for (let round = 0; round < 60; round++) {
      let pull = 0;
      let inside = 0;
      for (const value of sorted) {
        const distance = value - at;
        pull += Math.max(-bound, Math.min(bound, distance));
        if (Math.abs(distance) <= bound) inside++;
      }
      if (inside === 0 || Math.abs(pull) < 1e-12) break;
      at += pull / inside;
    }
    return at;
  };
  return percentile(location, halved)(logs, random);
};

const METHODS: Record<string, Method> = {
  'percentile, median': percentile(median, resampled),
  'BCa, median': bca(median),
  'percentile, trimmed mean': percentile(trimmedMean, resampled),
  'bootstrap-t, trimmed mean': bootstrapT,
  'double-or-nothing, trimmed mean': percentile(trimmedMean, halved),
  'double-or-nothing, Huber': huber,
};

type Measure = (noise: Noise, blocks: number, random: Random, effect: number) => Interval;

/** `share` is the false alarms in percent, `width` the median width of the interval as a percentage of the ratio. */
function measure(method: Measure, noise: Noise, blocks: number, name: string): string {
  const random = seededRandom(20, `${name} ${noise.name} ${blocks}`);
  let alarms = 0;
  const widths = new Float64Array(RUNS);
  for (let run = 0; run < RUNS; run++) {
    const [low, high] = method(noise, blocks, random, 1);
    if (low > 0 || high < 0) alarms++;
    widths[run] = high - low;
  }
  const width = quantile(widths.sort(), 0.5);
  const percent = Number.isFinite(width) ? (100 * (Math.exp(width) - 1)).toFixed(0) : '∞';
  return `${((100 * alarms) / RUNS).toFixed(1)} (${percent})`;
}

function print(title: string, methods: Record<string, Measure>, sizes: readonly number[]): void {
  console.log(`\n${title}\n`);
  console.log(`| method | noise | ${sizes.map((n) => `n = ${n}`).join(' | ')} |`);
  console.log(`| --- | --- |${sizes.map(() => ' ---: |').join('')}`);
  for (const [name, method] of Object.entries(methods)) {
    for (const noise of NOISES) {
      console.log(`| ${name} | ${noise.name} | ${sizes.map((n) => measure(method, noise, n, name)).join(' | ')} |`);
    }
  }
}

const toLogs = ({ arm, baseline }: { arm: number[]; baseline: number[] }): Float64Array =>
  Float64Array.from(arm, (value, at) => Math.log(value / (baseline[at] as number))).sort();

const paired: Record<string, Measure> = Object.fromEntries(
  Object.entries(METHODS).map(([name, method]) => [
    name,
    (noise, blocks, random, effect) => method(toLogs(simulateArms(noise, blocks, random, effect)), random),
  ]),
);
paired['**double-or-nothing, median**'] = (noise, blocks, random, effect) => {
  const { arm, baseline } = simulateArms(noise, blocks, random, effect);
  const { low = 0, high = Number.POSITIVE_INFINITY } = pairedRatio(arm, baseline, random);
  return [Math.log(low), Math.log(high)];
};

/** Two runs: without drift, since drift inside a run is what an unpaired comparison cannot see. */
const withoutDrift = (noise: Noise): Noise => ({
  ...noise,
  block: (random) => ({ ...noise.block(random, 1), drift: 1 }),
});

const unpaired: Record<string, Measure> = {
  'percentile, medians': (noise, blocks, random) => {
    const { arm, baseline } = simulateArms(withoutDrift(noise), blocks, random);
    const [a, b] = [arm, baseline].map((times) => Float64Array.from(times, Math.log).sort()) as [
      Float64Array,
      Float64Array,
    ];
    const estimates = Float64Array.from(
      { length: RESAMPLES },
      () => median(resampled(a, random)) - median(resampled(b, random)),
    ).sort();
    return [estimates[24] as number, estimates[RESAMPLES - 25] as number];
  },
  '**double-or-nothing, medians**': (noise, blocks, random) => {
    const { arm, baseline } = simulateArms(withoutDrift(noise), blocks, random);
    const { low = 0, high = Number.POSITIVE_INFINITY } = unpairedRatio(arm, baseline, random);
    return [Math.log(low), Math.log(high)];
  },
};

console.log(`False alarms in percent over ${RUNS} runs (median width of the interval, percent). 5 is right.`);
print('Paired, inside a run', paired, [5, 6, 8, 10, 20, 50]);
print('Unpaired, two runs', unpaired, [5, 10, 20, 50]);

/**
 * Rows → the lines of summary.csv: one for each arm, accelerator and metric. Warm-ups do not count; trials that went wrong
 * are counted and give no times, whatever checkpoints they reached. Observations under different accelerators are never
 * mixed, and their ratio is never taken.
 */
import type { Accel } from '../drivers/driver.js';
import { quantile } from '../stats/quantile.js';
import { seededRandom } from '../stats/random.js';
import { pairedRatio, type Ratio, type RatioVerdict } from '../stats/ratio.js';
import { type SampleSummary, summariseSamples } from '../stats/sample-summary.js';
import { type Row, START_METRICS, type StartMetric } from './row.js';

/** What can be said of an arm beside the baseline. All but the first two say why there is no interval. */
export type Verdict = RatioVerdict | 'baseline' | 'no times' | 'no baseline' | 'accelerators differ' | 'not positive';

export interface SummaryLine {
  arm: string;
  driver: string;
  accel: Accel;
  /** `start` only when no trial of the arm went well: there is no time, and the line says how many failed. */
  metric: StartMetric | 'start';
  unit: 'ms';
  /** Trials that went well and show this checkpoint. */
  n: number;
  /** Trials of the arm that failed or ran into their deadline. */
  failed: number;
  /** Milliseconds; absent when n is 0. */
  times?: SampleSummary;
  /** Label of the arm that the ratio is taken against. */
  baseline: string;
  /** Blocks in which both arms show this checkpoint. */
  blocks: number;
  ratio?: number;
  /** 95 % interval of the ratio. */
  ratioLow?: number;
  ratioHigh?: number;
  verdict: Verdict;
}

export interface SummariseOptions {
  baseline: string;
  /** Seed of the resampling; the seed of the run, so that the same rows always give the same intervals. */
  seed: number;
  /** Labels in the order to print them. Arms that are not named follow in the order of their names. */
  arms?: readonly string[];
}

/** Observations of one arm under one accelerator. */
export interface ArmObservations {
  arm: string;
  driver: string;
  accel: Accel;
  /** Trials that failed or ran into their deadline. */
  failed: number;
  metrics: Map<StartMetric, Observations>;
}

/** Times in ns with the blocks that they belong to, in the order of the rows. */
export interface Observations {
  blocks: number[];
  valuesNs: number[];
}

const NS_PER_MS = 1e6;

export function summarise(rows: readonly Row[], options: SummariseOptions): SummaryLine[] {
  const groups = observe(rows);
  const rank = new Map((options.arms ?? []).map((arm, index) => [arm, index]));
  groups.sort(
    (a, b) =>
      (rank.get(a.arm) ?? rank.size) - (rank.get(b.arm) ?? rank.size) ||
      compareText(a.arm, b.arm) ||
      compareText(a.accel, b.accel),
  );
  return groups.flatMap((group) => linesOf(group, groups, options));
}

/** Sorts the rows into arms and metrics, without the warm-ups and without the times of trials that went wrong. */
export function observe(rows: readonly Row[]): ArmObservations[] {
  const groups = new Map<string, ArmObservations & { wrong: Set<number>; orders: Map<StartMetric, number[]> }>();
  for (const row of rows) {
    if (row.warmup) continue;
    const key = `${row.accel} ${row.arm}`;
    let group = groups.get(key);
    if (!group) {
      const { arm, driver, accel } = row;
      group = { arm, driver, accel, failed: 0, metrics: new Map(), wrong: new Set(), orders: new Map() };
      groups.set(key, group);
    }
    if (row.outcome !== 'ok') {
      // A trial that was cancelled or skipped may be run again by --resume, under the same number.
      if (row.outcome === 'failed' || row.outcome === 'timeout') group.wrong.add(row.order);
      continue;
    }
    if (row.value === undefined || row.metric === 'start') continue;
    let seen = group.metrics.get(row.metric);
    let orders = group.orders.get(row.metric);
    if (!seen || !orders) {
      seen = { blocks: [], valuesNs: [] };
      orders = [];
      group.metrics.set(row.metric, seen);
      group.orders.set(row.metric, orders);
    }
    seen.blocks.push(row.block);
    seen.valuesNs.push(row.value);
    orders.push(row.order);
  }
  return [...groups.values()].map(({ wrong, orders, ...rest }) => {
    const group = { ...rest, failed: wrong.size };
    if (wrong.size === 0) return group;
    const metrics = new Map<StartMetric, Observations>();
    for (const [metric, { blocks, valuesNs }] of group.metrics) {
      const isGood = (_: number, index: number): boolean => !wrong.has(orders.get(metric)?.[index] as number);
      const good = { blocks: blocks.filter(isGood), valuesNs: valuesNs.filter(isGood) };
      if (good.blocks.length > 0) metrics.set(metric, good);
    }
    return { ...group, metrics };
  });
}

/** One value a block, in ns: the median, should an arm ever have several. */
export function valuesByBlock({ blocks, valuesNs }: Observations): Map<number, number> {
  const values = new Map<number, number>();
  blocks.forEach((block, index) => {
    values.set(block, valuesNs[index] as number);
  });
  if (values.size === blocks.length) return values;
  const lists = new Map<number, number[]>();
  blocks.forEach((block, index) => {
    lists.set(block, [...(lists.get(block) ?? []), valuesNs[index] as number]);
  });
  for (const [block, list] of lists) values.set(block, quantile(Float64Array.from(list).sort(), 0.5));
  return values;
}

function linesOf(group: ArmObservations, groups: readonly ArmObservations[], options: SummariseOptions): SummaryLine[] {
  const { arm, driver, accel, failed } = group;
  const { baseline } = options;
  const common = { arm, driver, accel, unit: 'ms', failed, baseline } as const;
  if (group.metrics.size === 0) {
    return [{ ...common, metric: 'start', n: 0, blocks: 0, verdict: 'no times' }];
  }
  return START_METRICS.flatMap((metric) => {
    const seen = group.metrics.get(metric);
    if (!seen) return [];
    const times = summariseSamples(Float64Array.from(seen.valuesNs, (ns) => ns / NS_PER_MS));
    const line = { ...common, metric, n: seen.valuesNs.length, ...(times ? { times } : {}) };
    return [{ ...line, ...besideBaseline(group, metric, groups, options) }];
  });
}

type BesideBaseline = Pick<SummaryLine, 'blocks' | 'ratio' | 'ratioLow' | 'ratioHigh' | 'verdict'>;

function besideBaseline(
  group: ArmObservations,
  metric: StartMetric,
  groups: readonly ArmObservations[],
  { baseline, seed }: SummariseOptions,
): BesideBaseline {
  if (group.arm === baseline) return { blocks: 0, verdict: 'baseline' };
  const candidates = groups.filter((other) => other.arm === baseline && other.metrics.has(metric));
  if (candidates.length === 0) return { blocks: 0, verdict: 'no baseline' };
  // With a choice, the same accelerator comes first. KVM beside TCG would say nothing about the arms.
  const base =
    candidates.find((other) => other.accel === group.accel) ??
    candidates.find((other) => other.accel === '' || group.accel === '');
  if (!base) return { blocks: 0, verdict: 'accelerators differ' };
  const pairs = pairBlocks(group.metrics.get(metric) as Observations, base.metrics.get(metric) as Observations);
  if (pairs.some(([mine, theirs]) => mine <= 0 || theirs <= 0))
    return { blocks: pairs.length, verdict: 'not positive' };
  const random = seededRandom(seed, `ratio ${group.arm} ${group.accel} ${metric}`);
  return fieldsOf(
    pairedRatio(
      pairs.map(([mine]) => mine),
      pairs.map(([, theirs]) => theirs),
      random,
    ),
  );
}

/** The values of both sides in the blocks that both have. */
export function pairBlocks(arm: Observations, baseline: Observations): [arm: number, baseline: number][] {
  const theirs = valuesByBlock(baseline);
  return [...valuesByBlock(arm)].flatMap(([block, mine]) => {
    const their = theirs.get(block);
    return their === undefined ? [] : [[mine, their] as [number, number]];
  });
}

function fieldsOf({ blocks, ratio, low, high, verdict }: Ratio): BesideBaseline {
  return {
    blocks,
    verdict,
    ...(ratio === undefined ? {} : { ratio }),
    ...(low === undefined ? {} : { ratioLow: low }),
    ...(high === undefined ? {} : { ratioHigh: high }),
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Two runs side by side: how much longer each arm took in the second one. Pure. */
import type { Accel } from '../drivers/driver.js';
import type { Manifest } from '../lab/manifest.js';
import { type Row, START_METRICS, type StartMetric } from '../lab/row.js';
import { type ArmObservations, observe, pairBlocks, valuesByBlock } from '../lab/summarise.js';
import { quantile } from '../stats/quantile.js';
import { seededRandom } from '../stats/random.js';
import { type Ratio, type RatioVerdict, unpairedRatio } from '../stats/ratio.js';
import { accelText } from './wording.js';

export interface ComparedRun {
  manifest: Manifest;
  rows: readonly Row[];
}

export interface ComparisonLine {
  arm: string;
  accel: Accel;
  metric: StartMetric;
  before: Side;
  after: Side;
  /** after : before, of the times as they are. */
  ratio?: number;
  ratioLow?: number;
  ratioHigh?: number;
  verdict: RatioVerdict | 'not positive';
  /**
   * after : before of the ratios to the baseline, where both runs have it: a machine that was slower as a whole in one of
   * the runs cancels out. Absent for the baseline itself.
   */
  relative?: { ratio?: number; low?: number; high?: number; verdict: RatioVerdict };
}

export interface Side {
  n: number;
  failed: number;
  medianMs: number;
}

export interface Comparison {
  /** Run ids. */
  before: string;
  after: string;
  /** The headline metric of the second run. */
  metric: StartMetric;
  /** Label that the relative ratios are taken against; absent when the runs do not share a baseline. */
  baseline?: string;
  lines: ComparisonLine[];
  /** What else differs between the runs, and what could not be compared. */
  remarks: string[];
}

const NS_PER_MS = 1e6;

export function compareRuns(before: ComparedRun, after: ComparedRun): Comparison {
  const armsBefore = observe(before.rows);
  const armsAfter = observe(after.rows);
  const { manifest } = after;
  const baseline = manifest.scenario.baseline;
  const shared = baseline === before.manifest.scenario.baseline;
  const order = new Map(manifest.arms.map(({ label }, index) => [label, index]));
  const pairs = armsAfter
    .flatMap((arm) => {
      const old = armsBefore.find((other) => other.arm === arm.arm && other.accel === arm.accel);
      return old ? [{ old, arm }] : [];
    })
    .sort((a, b) => (order.get(a.arm.arm) ?? order.size) - (order.get(b.arm.arm) ?? order.size));
  const lines = pairs.flatMap(({ old, arm }) =>
    START_METRICS.flatMap((metric) => {
      const stream = `compare ${before.manifest.run} ${manifest.run} ${arm.arm} ${arm.accel} ${metric}`;
      const line = lineOf(old, arm, metric, stream, manifest.seed);
      if (!line) return [];
      const relative =
        shared && arm.arm !== baseline
          ? relativeOf(old, arm, armsBefore, armsAfter, baseline, metric, stream, manifest.seed)
          : undefined;
      return [relative ? { ...line, relative } : line];
    }),
  );
  return {
    before: before.manifest.run,
    after: manifest.run,
    metric: manifest.scenario.metric,
    ...(shared ? { baseline } : {}),
    lines,
    remarks: [...differencesOfRuns(before.manifest, manifest), ...unmatched(armsBefore, armsAfter)],
  };
}

function lineOf(
  old: ArmObservations,
  arm: ArmObservations,
  metric: StartMetric,
  stream: string,
  seed: number,
): ComparisonLine | undefined {
  const was = old.metrics.get(metric);
  const is = arm.metrics.get(metric);
  if (!was || !is) return undefined;
  const side = (group: ArmObservations, valuesNs: readonly number[]): Side => ({
    n: valuesNs.length,
    failed: group.failed,
    medianMs: quantile(Float64Array.from(valuesNs).sort(), 0.5) / NS_PER_MS,
  });
  const common = {
    arm: arm.arm,
    accel: arm.accel,
    metric,
    before: side(old, was.valuesNs),
    after: side(arm, is.valuesNs),
  };
  const valuesAfter = [...valuesByBlock(is).values()];
  const valuesBefore = [...valuesByBlock(was).values()];
  if ([...valuesAfter, ...valuesBefore].some((value) => value <= 0)) return { ...common, verdict: 'not positive' };
  const { ratio, low, high, verdict } = unpairedRatio(valuesAfter, valuesBefore, seededRandom(seed, stream));
  return {
    ...common,
    verdict,
    ...(ratio === undefined ? {} : { ratio }),
    ...(low === undefined ? {} : { ratioLow: low }),
    ...(high === undefined ? {} : { ratioHigh: high }),
  };
}

function relativeOf(
  old: ArmObservations,
  arm: ArmObservations,
  armsBefore: readonly ArmObservations[],
  armsAfter: readonly ArmObservations[],
  baseline: string,
  metric: StartMetric,
  stream: string,
  seed: number,
): ComparisonLine['relative'] | undefined {
  const is = ratiosToBaseline(arm, armsAfter, baseline, metric);
  const was = ratiosToBaseline(old, armsBefore, baseline, metric);
  if (!is || !was) return undefined;
  const { blocks: _, ...relative }: Ratio = unpairedRatio(is, was, seededRandom(seed, `${stream} relative`));
  return relative;
}

/** Each block's ratio to the baseline; undefined where there is no baseline to take it against. */
function ratiosToBaseline(
  arm: ArmObservations,
  arms: readonly ArmObservations[],
  baseline: string,
  metric: StartMetric,
): number[] | undefined {
  const candidates = arms.filter((other) => other.arm === baseline);
  const base =
    candidates.find(({ accel }) => accel === arm.accel) ??
    candidates.find(({ accel }) => accel === '' || arm.accel === '');
  const mine = arm.metrics.get(metric);
  const theirs = base?.metrics.get(metric);
  if (!mine || !theirs) return undefined;
  const pairs = pairBlocks(mine, theirs);
  if (pairs.length === 0 || pairs.some(([a, b]) => a <= 0 || b <= 0)) return undefined;
  return pairs.map(([a, b]) => a / b);
}

function differencesOfRuns(before: Manifest, after: Manifest): string[] {
  const facts: [string, (manifest: Manifest) => string][] = [
    ['program', ({ payload }) => payload.programSha256.slice(0, 16)],
    ['root file system', ({ payload }) => payload.rootfsDigest.slice(0, 23)],
    ['definition of ready', ({ scenario }) => scenario.ready],
    ['CPU', ({ host }) => host.cpu.model],
    ['host kernel', ({ host }) => host.kernel.release],
    ['boot', ({ host }) => (host.bootId ?? '').slice(0, 8)],
    ['vlab', ({ versions }) => versions.vlab ?? ''],
    ['commit', ({ git }) => (git ? `${git.commit.slice(0, 12)}${git.dirty ? ' with changes' : ''}` : '')],
  ];
  const changed = facts.flatMap(([name, read]) => {
    const [was, is] = [read(before), read(after)];
    return was === is ? [] : [`${name}: ${was || 'unknown'} before, ${is || 'unknown'} after`];
  });
  const partial = [before, after].filter((manifest) => manifest.partial).map(({ run }) => `${run} is partial`);
  return [...changed, ...partial];
}

function unmatched(before: readonly ArmObservations[], after: readonly ArmObservations[]): string[] {
  const remarks: string[] = [];
  const labels = [...new Set([...before, ...after].map(({ arm }) => arm))].sort();
  for (const label of labels) {
    const was = before.filter(({ arm }) => arm === label);
    const is = after.filter(({ arm }) => arm === label);
    if (was.length === 0) remarks.push(`${label} is only in the second run`);
    else if (is.length === 0) remarks.push(`${label} is only in the first run`);
    else if (!was.some(({ accel }) => is.some((other) => other.accel === accel))) {
      const names = [was, is].map((arms) =>
        arms.map(({ accel }) => accelText(accel) || 'no accelerator').join(' and '),
      );
      remarks.push(`${label} is not compared: it ran under ${names[0]} before and under ${names[1]} after`);
    }
  }
  return remarks;
}

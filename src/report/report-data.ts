/** What a report is made from, and the questions that all its forms ask of it. Pure. */
import type { Accel } from '../drivers/driver.js';
import type { Manifest } from '../lab/manifest.js';
import type { Outcome, Row, StartMetric } from '../lab/row.js';
import { type SummaryLine, summarise } from '../lab/summarise.js';

export interface ReportData {
  manifest: Manifest;
  rows: readonly Row[];
  summary: readonly SummaryLine[];
}

/** The lines of one arm under one accelerator. */
export interface ReportArm {
  arm: string;
  accel: Accel;
  /** Fragment of a link into the page; unique for the arm and its accelerator. */
  anchor: string;
  lines: readonly SummaryLine[];
  failed: number;
}

/** Works out the summary from the rows, with the baseline, the seed and the order of arms that the manifest names. */
export function reportData(manifest: Manifest, rows: readonly Row[]): ReportData {
  const { baseline } = manifest.scenario;
  const arms = manifest.arms.map(({ label }) => label);
  return { manifest, rows, summary: summarise(rows, { baseline, seed: manifest.seed, arms }) };
}

/** Arms in the order of the summary. */
export function reportArms({ summary }: ReportData): ReportArm[] {
  const arms: (ReportArm & { lines: SummaryLine[] })[] = [];
  for (const line of summary) {
    const last = arms.at(-1);
    if (last?.arm === line.arm && last.accel === line.accel) last.lines.push(line);
    else arms.push({ ...line, anchor: anchorOf(line), lines: [line] });
  }
  return arms;
}

/** The fragment for an arm's rows. Labels are letters, digits, dots, dashes and underscores; anything else is coded. */
export function anchorOf({ arm, accel }: { arm: string; accel: Accel }): string {
  const safe = encodeURIComponent(arm).replaceAll('%', '_x');
  return `rows-${safe}${accel === '' ? '' : `-${accel}`}`;
}

/** The metric that the headline speaks of: the scenario's, unless no arm shows it. */
export function headlineMetric({ manifest, summary }: ReportData): StartMetric {
  const wanted = manifest.scenario.metric;
  const order: StartMetric[] = [wanted, 'ready', 'firstByte', 'exec', 'exited', 'clean', 'spawned'];
  return order.find((metric) => summary.some((line) => line.metric === metric)) ?? wanted;
}

export function lineOf(arm: ReportArm, metric: StartMetric): SummaryLine | undefined {
  return arm.lines.find((line) => line.metric === metric);
}

export interface FailureGroup {
  arm: string;
  accel: Accel;
  outcome: Outcome;
  reason: string;
  count: number;
  /** Warm-ups among them. */
  warmups: number;
  /** Blocks of the first few of them. */
  blocks: number[];
}

const SHOWN_BLOCKS = 5;

/**
 * Every trial that did not go well, warm-ups too, grouped by what is said of it. Arms that were left out before the first
 * trial are not among them; the manifest names them.
 */
export function failures({ manifest, rows }: ReportData): FailureGroup[] {
  const excluded = new Set(
    manifest.arms.flatMap(({ label, excluded: reason }) => (reason === undefined ? [] : [label])),
  );
  const groups = new Map<string, FailureGroup>();
  for (const row of rows) {
    if (row.outcome === 'ok' || (row.outcome === 'skipped' && excluded.has(row.arm))) continue;
    const { arm, accel, outcome, reason, warmup, block } = row;
    const key = JSON.stringify([arm, accel, outcome, reason]);
    const group = groups.get(key) ?? { arm, accel, outcome, reason, count: 0, warmups: 0, blocks: [] };
    groups.set(key, group);
    group.count++;
    if (warmup) group.warmups++;
    if (group.blocks.length < SHOWN_BLOCKS) group.blocks.push(block);
  }
  return [...groups.values()];
}

/** True when any arm of the run was emulated: the report then says what cannot be concluded. */
export function usesTcg({ manifest, rows }: ReportData): boolean {
  return manifest.arms.some((arm) => arm.accel === 'tcg') || rows.some((row) => row.accel === 'tcg');
}

export const TCG_NOTE =
  'TCG is software emulation: each instruction of the guest is translated. Its times are true of emulation on this ' +
  'machine, and nothing about the speed of hardware virtualization can be concluded from them.';

/** Trials that have rows, warm-ups too. */
export function trialsDone({ rows }: ReportData): number {
  const orders = new Set<number>();
  for (const row of rows) if (row.outcome !== 'cancelled') orders.add(row.order);
  return orders.size;
}

/** What to say when others used the machine as the run began; undefined on a quiet one. */
export function busyNote({ manifest }: ReportData): string | undefined {
  const { load1, psiCpuSome10Percent: waiting } = manifest.pressureBefore;
  const cpus = manifest.host.cpu.logicalCpus;
  if (load1 < cpus && (waiting ?? 0) < BUSY_PERCENT) return undefined;
  const stalled = waiting === undefined ? '' : `, tasks waited for a CPU ${waiting} % of the time`;
  return (
    `The machine was busy when the run began: load ${load1} on ${cpus} CPUs${stalled}. ` +
    'Times are longer and intervals wider than on a quiet machine.'
  );
}

/** Pressure stall information counts any task that waits, so a few percent are normal. */
const BUSY_PERCENT = 20;

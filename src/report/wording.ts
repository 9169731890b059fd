/** The words that every report uses for arms, accelerators, metrics and numbers, so that all of them say the same. */
import type { Accel } from '../drivers/driver.js';
import type { StartMetric } from '../lab/row.js';
import type { SummaryLine } from '../lab/summarise.js';

/** Empty where nothing is virtualized. */
export function accelText(accel: Accel): string {
  return { '': '', kvm: 'KVM', tcg: 'TCG, software emulation' }[accel];
}

/** `vm (TCG, software emulation)`: an arm is never named without its accelerator. */
export function armName({ arm, accel }: { arm: string; accel: Accel }): string {
  return accel === '' ? arm : `${arm} (${accelText(accel)})`;
}

export interface CheckpointText {
  metric: StartMetric;
  /** `t1` … `t7`; the drain of network namespaces has a column of its own and no number. */
  number: string;
  title: string;
  definition: string;
  /** Completes "ARM … after 5.2 ms". */
  verb: string;
}

export const REQUESTED = {
  number: 't0',
  title: 'requested',
  definition: 'the request reached the process that starts the arm',
};

export const CHECKPOINTS: readonly CheckpointText[] = [
  {
    metric: 'spawned',
    number: 't1',
    title: 'spawned',
    definition: 'the process was cloned, or the virtual machine monitor (or the peer’s command) was spawned',
    verb: 'was spawned',
  },
  {
    metric: 'rooted',
    number: 't2',
    title: 'rooted',
    definition: 'pivot_root or chroot was done, or the guest gave its first sign',
    verb: 'had its root file system',
  },
  {
    metric: 'exec',
    number: 't3',
    title: 'exec',
    definition: 'immediately before the execve of the program',
    verb: 'reached the exec of the program',
  },
  {
    metric: 'firstByte',
    number: 't4',
    title: 'first byte',
    definition: 'the first byte of the program’s output arrived on the host',
    verb: 'had said its first byte',
  },
  {
    metric: 'ready',
    number: 't5',
    title: 'ready',
    definition: 'the program was ready, by the definition of the scenario',
    verb: 'was ready',
  },
  {
    metric: 'exited',
    number: 't6',
    title: 'exited',
    definition: 'the program ended',
    verb: 'had ended',
  },
  {
    metric: 'clean',
    number: 't7',
    title: 'clean',
    definition: 'the process was reaped, and its mounts and cgroups were gone',
    verb: 'was gone with its mounts and cgroups',
  },
  {
    metric: 'netnsDrained',
    number: '',
    title: 'network namespace drained',
    definition:
      'the kernel had taken the network namespace down, where this was watched; it happens later and without an event',
    verb: 'had its network namespace taken down',
  },
];

export function checkpointOf(metric: StartMetric): CheckpointText {
  return CHECKPOINTS.find((checkpoint) => checkpoint.metric === metric) as CheckpointText;
}

/** `t5 ready` */
export function metricTitle(metric: StartMetric | 'start'): string {
  if (metric === 'start') return 'start';
  const { number, title } = checkpointOf(metric);
  return `${number} ${title}`.trim();
}

/** Three or four significant digits, always in milliseconds and always in plain decimals. */
export function formatMs(value: number): string {
  const size = Math.abs(value);
  const decimals = size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0;
  return value.toFixed(decimals);
}

/** A ratio near 1 keeps the digits that show on which side of 1 it lies. */
export function formatRatio(value: number): string {
  if (value !== 1 && Math.abs(value - 1) < 0.0005) return value.toFixed(6);
  const decimals = value < 2 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toFixed(decimals);
}

/** `0.981 to 1.040`, or nothing where there is no interval. */
export function formatInterval({ ratioLow, ratioHigh }: Pick<SummaryLine, 'ratioLow' | 'ratioHigh'>): string {
  if (ratioLow === undefined || ratioHigh === undefined) return '';
  return `${formatRatio(ratioLow)} to ${formatRatio(ratioHigh)}`;
}

/** The columns of a summary behind those that name the row, and their cells for one line. */
export const FIGURES = ['n', 'failed', 'median', 'min', 'IQR', 'p95', 'p99', 'ratio', '95 % interval', 'verdict'];

export function figureCells(line: SummaryLine): string[] {
  const { median, min, iqr, p95, p99 } = line.times ?? {};
  return [
    String(line.n),
    String(line.failed),
    ...[median, min, iqr, p95, p99].map((value) => (value === undefined ? '' : formatMs(value))),
    line.ratio === undefined ? '' : formatRatio(line.ratio),
    formatInterval(line),
    line.verdict,
  ];
}

/** The indexes of the numeric ones (all but the interval and the verdict) behind `first` other columns. */
export function numericFigures(first: number): number[] {
  return FIGURES.slice(0, -2).map((_, at) => at + first);
}

/** `1 trial`, `2 trials` */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** What ready means, by the scenario. */
export const READY = {
  'first-byte': 'the first byte of the program’s output has arrived',
  exit: 'the program has ended with success',
};

/** summary.csv as text: RFC 4180, one line for each arm, accelerator and metric. Times in ms, with all their nanoseconds. */
import { stringify } from 'csv-stringify/sync';
import type { SummaryLine } from './summarise.js';

export const SUMMARY_COLUMNS = [
  'arm',
  'driver',
  'accel',
  'metric',
  'unit',
  'n',
  'failed',
  'median',
  'min',
  'max',
  'q1',
  'q3',
  'iqr',
  'p95',
  'p99',
  'baseline',
  'blocks',
  'ratio',
  'ratio_low',
  'ratio_high',
  'verdict',
] as const;

/** The whole file, header included. */
export function encodeSummary(lines: readonly SummaryLine[]): string {
  const records = lines.map(({ times, ratioLow, ratioHigh, ...line }) => [
    line.arm,
    line.driver,
    line.accel,
    line.metric,
    line.unit,
    line.n,
    line.failed,
    ...[times?.median, times?.min, times?.max, times?.q1, times?.q3, times?.iqr, times?.p95, times?.p99].map(decimal),
    line.baseline,
    line.blocks,
    ...[line.ratio, ratioLow, ratioHigh].map(decimal),
    line.verdict,
  ]);
  return stringify(records, { header: true, columns: [...SUMMARY_COLUMNS], record_delimiter: 'windows' });
}

/** Six decimals hold a nanosecond of a millisecond; nothing is printed for what is absent. */
function decimal(value: number | undefined): string {
  return value === undefined ? '' : String(Number(value.toFixed(6)));
}

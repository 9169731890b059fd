/** Cells of the tables. Pure. */
import { formatMs } from '../../src/report/wording.js';
import { quantile } from '../../src/stats/quantile.js';
import type { Ratio } from '../../src/stats/ratio.js';

export function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

/** Nanoseconds as milliseconds, three significant digits. */
export function milliseconds(ns: number): string {
  return `${formatMs(ns / 1e6)} ms`;
}

export function ratioCell({ ratio, low, high }: Ratio): string {
  if (ratio === undefined) return '';
  const interval = low === undefined || high === undefined ? '' : ` (${low.toFixed(2)} … ${high.toFixed(2)})`;
  return `${ratio.toFixed(2)}${interval}`;
}

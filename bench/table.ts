/** Figures as text: for the terminal and for docs/promises.md. Pure. */
import type { Accel } from '../src/drivers/driver.js';
import { armName, formatMs } from '../src/report/wording.js';
import { METRIC_WORDS } from './comparisons.js';
import type { Compared, Figure } from './measured.js';

export type Row = readonly string[];

export const FIGURE_HEAD: Row = ['arm', 'what is timed', 'n', 'median', 'quartiles', 'min'];

/** How the guests of an arm run, by its label. */
export type AccelOf = (arm: string) => Accel | undefined;

export function figureRows(figures: readonly Figure[], accelOf: AccelOf): Row[] {
  return figures.map(({ arm, metric, summary }) => [
    armName({ arm, accel: accelOf(arm) ?? '' }),
    METRIC_WORDS[metric],
    String(summary.n),
    milliseconds(summary.median),
    `${milliseconds(summary.q1)} … ${milliseconds(summary.q3)}`,
    milliseconds(summary.min),
  ]);
}

export const COMPARED_HEAD: Row = ['ratio', 'figure', '95 % interval', 'blocks', 'promise', 'kept'];

export function comparedRows(compared: readonly Compared[], accelOf: AccelOf): Row[] {
  return compared.map(({ of, to, ratio, atMost, kept }) => [
    armName({ arm: `${of.arm} ${of.metric} : ${to.arm} ${to.metric}`, accel: accelOf(of.arm) ?? '' }),
    (ratio.ratio ?? 0).toFixed(2),
    ratio.low === undefined || ratio.high === undefined
      ? 'too few blocks'
      : `${ratio.low.toFixed(2)} … ${ratio.high.toFixed(2)}`,
    String(ratio.blocks),
    atMost === undefined ? '' : `≤ ${atMost}`,
    keptWords(ratio.high, atMost, kept),
  ]);
}

/** A promise that the estimate keeps is not yet kept for sure where the interval reaches beyond it. */
function keptWords(high: number | undefined, atMost: number | undefined, kept: boolean | undefined): string {
  if (kept === undefined || atMost === undefined) return '';
  if (!kept) return 'NO';
  return high !== undefined && high <= atMost ? 'yes' : 'yes, not for sure';
}

/** Three significant digits, with the unit. */
export function milliseconds(ms: number): string {
  return `${formatMs(ms)} ms`;
}

/** Columns as wide as their widest cell, two spaces between. */
export function textTable(head: Row, rows: readonly Row[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (row: Row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('──'), ...rows.map(line)].join('\n');
}

export function markdownTable(head: Row, rows: readonly Row[]): string {
  const line = (row: Row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

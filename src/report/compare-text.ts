/** A comparison of two runs as text: for the terminal and for a pull request. Its JSON form is the value itself. Pure. */
import type { Comparison, ComparisonLine } from './compare.js';
import { inline, markdownTable } from './markdown.js';
import { bold, faint, type TerminalOptions, terminalTable, wrap } from './terminal-table.js';
import { armName, formatInterval, formatMs, formatRatio, metricTitle } from './wording.js';

export interface CompareTextOptions {
  /** All metrics, not only the headline one. */
  all?: boolean;
}

export function comparisonTerminal(comparison: Comparison, options: TerminalOptions & CompareTextOptions): string {
  const { color } = options;
  const { head, rows } = tableOf(comparison, options.all ?? false, '≈ 1');
  return [
    `${faint('before', color)}  ${comparison.before}`,
    `${faint('after', color)}   ${comparison.after}`,
    rows.length === 0
      ? 'no arm and metric is in both runs'
      : terminalTable(
          head,
          rows.map((row) => row.map((cell, at) => (at === 0 ? bold(cell, color) : cell))),
          [1, 2, 3],
          options,
        ),
    ...comparison.remarks.map((remark) => wrap(`- ${remark}`, options.columns ?? 100)),
    wrap(`≈ 1: not distinguishable. ${caveat(comparison)}`, options.columns ?? 100),
  ].join('\n');
}

export function comparisonMarkdown(comparison: Comparison, options: CompareTextOptions = {}): string {
  const { head, rows } = tableOf(comparison, options.all ?? false, 'not distinguishable');
  return `${[
    `# ${inline(comparison.after)} beside ${inline(comparison.before)}`,
    rows.length === 0 ? 'No arm and metric is in both runs.' : markdownTable(head, rows, [1, 2, 3]),
    comparison.remarks.map((remark) => `- ${inline(remark)}`).join('\n'),
    caveat(comparison),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

/** Said under every comparison. */
function caveat({ baseline }: Comparison): string {
  const inside = 'In brackets: 95 % intervals. They cover what varies inside the runs, not what changed between them.';
  if (baseline === undefined) return inside;
  return `${inside} Beside ${baseline}, a machine that was slower as a whole in one of the runs cancels out.`;
}

function tableOf(comparison: Comparison, all: boolean, same: string): { head: string[]; rows: string[][] } {
  const lines = comparison.lines.filter((line) => all || line.metric === comparison.metric);
  const { baseline } = comparison;
  const relative = baseline === undefined ? [] : [`beside ${baseline}`];
  return {
    head: [
      all ? 'arm, time to' : `time to ${metricTitle(comparison.metric)}`,
      'n',
      'before',
      'after',
      'after : before',
      ...relative,
    ],
    rows: lines.map((line) => [
      all ? `${armName(line)}, ${metricTitle(line.metric)}` : armName(line),
      `${line.before.n}, ${line.after.n}`,
      formatMs(line.before.medianMs),
      formatMs(line.after.medianMs),
      ratioText(line, same),
      ...(baseline === undefined ? [] : [relativeText(line, same)]),
    ]),
  };
}

function ratioText(line: ComparisonLine, same: string): string {
  return ratioWithVerdict(line.ratio, line.ratioLow, line.ratioHigh, line.verdict, same);
}

function relativeText({ relative }: ComparisonLine, same: string): string {
  return relative ? ratioWithVerdict(relative.ratio, relative.low, relative.high, relative.verdict, same) : '';
}

function ratioWithVerdict(
  ratio: number | undefined,
  low: number | undefined,
  high: number | undefined,
  verdict: string,
  same: string,
): string {
  const interval = formatInterval({
    ...(low === undefined ? {} : { ratioLow: low }),
    ...(high === undefined ? {} : { ratioHigh: high }),
  });
  if (verdict === 'distinguishable' && ratio !== undefined) return `${formatRatio(ratio)} (${interval})`;
  return interval === '' ? verdict : `${same} (${interval})`;
}

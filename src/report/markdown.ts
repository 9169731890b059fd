/** report.md: the report for a pull request or a wiki. The same sentences and figures as the page, without its charts. Pure. */
import type { SummaryLine } from '../lab/summarise.js';
import { comparedArms, differences } from './differences.js';
import { headlines } from './headlines.js';
import { busyNote, failures, headlineMetric, type ReportData, TCG_NOTE, trialsDone, usesTcg } from './report-data.js';
import {
  armName,
  CHECKPOINTS,
  counted,
  FIGURES,
  figureCells,
  metricTitle,
  numericFigures,
  REQUESTED,
} from './wording.js';

export interface MarkdownLinks {
  trials: string;
  summary: string;
}

export function reportMarkdown(data: ReportData, links: MarkdownLinks): string {
  const { manifest, summary } = data;
  const { scenario } = manifest;
  const metric = headlineMetric(data);
  const sections = [
    `# ${inline(scenario.title)}`,
    scenario.question === '' ? '' : `_${inline(scenario.question)}_`,
    `Run \`${manifest.run}\`, ${manifest.startedAt}, ${scenario.blocks} blocks, seed ${manifest.seed}, ${counted(trialsDone(data), 'trial')}. Rows: [trials.csv](${links.trials}).`,
    manifest.partial
      ? `> **This run is partial** (${inline(manifest.partialReason ?? 'not finished')}): ${trialsDone(data)} of ${counted(manifest.trialsPlanned, 'planned trial')} have rows.`
      : '',
    '## Findings',
    headlines(data)
      .map(({ name, text }) => `- **${inline(name)}** ${inline(text)}`)
      .join('\n'),
    ...[busyNote(data), usesTcg(data) ? TCG_NOTE : undefined].map((note) => (note ? `> ${note}` : '')),
    `## Time to ${metricTitle(metric)}, ms`,
    figures(summary.filter((line) => line.metric === metric || line.metric === 'start')),
    `<details><summary>All checkpoints</summary>\n\n${figures(summary, true)}\n\nAlso as [summary.csv](${links.summary}).\n\n</details>`,
    '## What differs between the arms',
    differing(data),
    whatFailed(data),
    '## Make it again',
    fenced(manifest.command),
    '## Checkpoints',
    markdownTable(
      ['', 'checkpoint', 'definition'],
      [
        [REQUESTED.number, REQUESTED.title, REQUESTED.definition],
        ...CHECKPOINTS.map(({ number, title, definition }) => [number, title, definition]),
      ],
    ),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function figures(lines: readonly SummaryLine[], withMetric = false): string {
  const names = withMetric ? ['arm', 'time to'] : ['arm'];
  return markdownTable(
    [...names, ...FIGURES],
    lines.map((line) => [armName(line), ...(withMetric ? [metricTitle(line.metric)] : []), ...figureCells(line)]),
    numericFigures(names.length),
  );
}

function differing({ manifest }: ReportData): string {
  const names = comparedArms(manifest).map((arm) => armName({ arm: arm.label, accel: arm.accel }));
  const rows = differences(manifest).filter(({ same }) => !same);
  return markdownTable(
    ['', ...names],
    rows.map(({ property, values }) => [property, ...values]),
  );
}

function whatFailed(data: ReportData): string {
  const groups = failures(data);
  const left = data.manifest.arms.filter((arm) => arm.excluded !== undefined);
  const lines = [
    ...groups.map(
      (group) =>
        `- **${inline(armName(group))}**, ${counted(group.count, 'trial')} ${group.outcome}: ${inline(group.reason)}`,
    ),
    ...left.map(
      ({ label, excluded }) => `- **${inline(label)}** was left out before the first trial: ${inline(excluded ?? '')}`,
    ),
    ...data.manifest.remarks.map((remark) => `- ${inline(remark)}`),
  ];
  return lines.length === 0 ? '' : `## What went wrong\n\n${lines.join('\n')}`;
}

/** A GitHub table. `numbers` are the indexes of the columns that are set to the right. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[] = [],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(inline).join(' | ')} |`;
  const rule = `| ${head.map((_, index) => (numbers.includes(index) ? '---:' : '---')).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** Text on one line without markup of its own (GitHub Flavored Markdown: backslash escapes, HTML blocks). */
export function inline(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]|~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}

/** A code block whose fence is longer than any run of backticks in it. */
function fenced(code: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}sh\n${code}\n${fence}`;
}

/** What a bench says in the terminal when it ends: one line for each arm, and what a reader must know beside it. Pure. */
import type { SummaryLine } from '../lab/summarise.js';
import { busyNote, headlineMetric, lineOf, type ReportData, reportArms, TCG_NOTE, usesTcg } from './report-data.js';
import { bold, faint, type TerminalOptions, terminalTable, wrap } from './terminal-table.js';
import { armName, counted, formatInterval, formatMs, formatRatio, metricTitle } from './wording.js';

export function terminalReport(data: ReportData, options: TerminalOptions): string {
  const { color, columns = 100 } = options;
  const metric = headlineMetric(data);
  const { baseline } = data.manifest.scenario;
  const rows = reportArms(data).map((arm) => {
    const line = lineOf(arm, metric);
    return [
      armName(arm),
      String(line?.n ?? 0),
      arm.failed > 0 ? String(arm.failed) : '',
      line?.times ? bold(formatMs(line.times.median), color) : '',
      line?.times ? formatMs(line.times.min) : '',
      line?.times ? formatMs(line.times.iqr) : '',
      line ? besideBaseline(line) : '',
    ];
  });
  const head = ['', 'n', 'failed', 'median', 'min', 'IQR', `beside ${baseline}`];
  const excluded = data.manifest.arms.flatMap(({ label, excluded: why }) =>
    why === undefined ? [] : [`${label} was left out: ${why}`],
  );
  const hasInterval = data.summary.some((line) => line.metric === metric && line.ratioLow !== undefined);
  const notes = [
    ...(hasInterval ? ['In brackets: the 95 % interval of the ratio, over blocks.'] : []),
    ...(data.manifest.partial ? [`partial: ${data.manifest.partialReason ?? 'not finished'}`] : []),
    ...excluded,
    ...data.manifest.remarks,
    ...[busyNote(data), usesTcg(data) ? TCG_NOTE : undefined].filter((note) => note !== undefined),
  ];
  const title = `${faint('time to', color)} ${bold(metricTitle(metric), color)}${faint(', ms', color)}`;
  return [title, terminalTable(head, rows, [1, 2, 3, 4, 5], options), ...notes.map((note) => wrap(note, columns))].join(
    '\n',
  );
}

function besideBaseline(line: SummaryLine): string {
  const interval = formatInterval(line);
  switch (line.verdict) {
    case 'distinguishable':
      return `${formatRatio(line.ratio as number)} times (${interval})`;
    case 'not distinguishable':
      return `not distinguishable (${interval})`;
    case 'too few blocks':
      return `${line.ratio === undefined ? '' : `${formatRatio(line.ratio)}, `}${counted(line.blocks, 'block')}: too few`;
    default:
      return line.verdict;
  }
}

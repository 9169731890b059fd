/** The sentences at the top of a report. Each is made from one line of the summary and knows the rows it stands on. */
import type { StartMetric } from '../lab/row.js';
import type { SummaryLine } from '../lab/summarise.js';
import { headlineMetric, lineOf, type ReportArm, type ReportData, reportArms } from './report-data.js';
import { armName, checkpointOf, counted, formatInterval, formatMs, formatRatio } from './wording.js';

export interface Headline {
  /** Name of the arm; the sentence goes on with `text`. */
  name: string;
  text: string;
  /** Fragment of the arm's rows of this metric. */
  anchor: string;
}

/** One sentence for each arm: the baseline first, then the arms in the order of the scenario. */
export function headlines(data: ReportData): Headline[] {
  const metric = headlineMetric(data);
  const arms = reportArms(data);
  const excluded = new Map(data.manifest.arms.map(({ label, excluded: reason }) => [label, reason]));
  const isBaseline = ({ arm }: ReportArm): boolean => arm === data.manifest.scenario.baseline;
  return [...arms.filter(isBaseline), ...arms.filter((arm) => !isBaseline(arm))].map((arm) => {
    const line = lineOf(arm, metric);
    return {
      name: armName(arm),
      text: line?.times
        ? sentence(line, metric, line.times.median, nameOfBaseline(arms, line))
        : withoutTimes(arm, metric, excluded.get(arm.arm)),
      anchor: line ? `${arm.anchor}-${metric}` : arm.anchor,
    };
  });
}

function sentence(line: SummaryLine, metric: StartMetric, median: number, baseline: string): string {
  const measured = `${checkpointOf(metric).verb} after ${formatMs(median)} ms (median of ${line.n})`;
  const failed = line.failed > 0 ? ` ${failedText(line.failed)}` : '';
  return `${measured}${besideText(line, baseline)}.${failed}`;
}

/** What the line says of the ratio, to be put behind the measured time. */
function besideText(line: SummaryLine, baseline: string): string {
  const interval = `95 % interval ${formatInterval(line)}`;
  const ratio = line.ratio === undefined ? '' : formatRatio(line.ratio);
  switch (line.verdict) {
    case 'distinguishable':
      return `: ${ratio} times as long as ${baseline}, ${interval}`;
    case 'not distinguishable':
      return `, which is not distinguishable from ${baseline}: ratio ${ratio}, ${interval} holds 1`;
    case 'too few blocks':
      return `; ${counted(line.blocks, 'block')} shared with ${baseline} are too few for an interval`;
    case 'baseline':
      return '; it is the baseline';
    case 'no times':
      return '';
    case 'no baseline':
      return `; the baseline ${line.baseline} shows no such time, so there is no ratio`;
    case 'accelerators differ':
      return `; it is not compared with ${line.baseline}, which ran under another accelerator`;
    case 'not positive':
      return '; some of its times are not above zero, so there is no ratio';
  }
}

function withoutTimes(arm: ReportArm, metric: StartMetric, excluded: string | undefined): string {
  if (excluded !== undefined) return `was left out before the first trial: ${excluded}.`;
  const seen = arm.lines.some((line) => line.n > 0);
  if (seen)
    return `does not show when it ${checkpointOf(metric).verb}.${arm.failed > 0 ? ` ${failedText(arm.failed)}` : ''}`;
  return arm.failed > 0 ? `never started: ${failedText(arm.failed)}` : 'has no trial that ran to its end.';
}

function failedText(failed: number): string {
  return `${counted(failed, 'trial')} failed.`;
}

/** The baseline under the accelerator that this line was compared with. */
function nameOfBaseline(arms: readonly ReportArm[], line: SummaryLine): string {
  const candidates = arms.filter(({ arm }) => arm === line.baseline);
  const chosen = candidates.find(({ accel }) => accel === line.accel) ?? candidates[0];
  return chosen ? armName(chosen) : line.baseline;
}

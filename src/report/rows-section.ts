/** The observations themselves, one line a trial, folded away under each arm: what every sentence of the page stands on. */
import type { Row, StartMetric } from '../lab/row.js';
import { html, type Markup } from './html-text.js';
import type { ReportArm } from './report-data.js';
import { armName, CHECKPOINTS, counted, formatMs, metricTitle } from './wording.js';

export interface TrialLine {
  order: number;
  block: number;
  warmup: boolean;
  outcome: string;
  reason: string;
  /** Milliseconds since t0. */
  times: Map<StartMetric, number>;
}

export interface ArmTrials {
  arm: ReportArm;
  trials: TrialLine[];
}

/** A page with more lines than this is slow to open; the rest is in trials.csv. Shared between the arms. */
const MOST_LINES = 5000;
const LEAST_LINES_AN_ARM = 20;

/** Trials of each arm in the order they were run. */
export function rowsByArm(rows: readonly Row[], arms: readonly ReportArm[]): ArmTrials[] {
  const byArm = new Map(arms.map((arm) => [`${arm.accel} ${arm.arm}`, { arm, trials: new Map<number, TrialLine>() }]));
  for (const row of rows) {
    const found = byArm.get(`${row.accel} ${row.arm}`);
    if (!found) continue;
    const { order, block, warmup, outcome, reason, metric, value } = row;
    const trial = found.trials.get(order) ?? { order, block, warmup, outcome, reason, times: new Map() };
    found.trials.set(order, trial);
    if (metric !== 'start' && value !== undefined) trial.times.set(metric, value / 1e6);
    // The second try of a cancelled trial carries the same number and counts.
    if (trial.outcome === 'cancelled' || outcome !== 'ok') Object.assign(trial, { outcome, reason });
  }
  return [...byArm.values()].map(({ arm, trials }) => ({
    arm,
    trials: [...trials.values()].sort((a, b) => a.order - b.order),
  }));
}

/** `trials` is the address of trials.csv. */
export function rowsSection(arms: readonly ArmTrials[], trials: string): Markup {
  const most = Math.max(LEAST_LINES_AN_ARM, Math.floor(MOST_LINES / Math.max(arms.length, 1)));
  return html`<h2 id="rows">Rows</h2>
<p>One line a trial, times in milliseconds since the request. The same observations, one row each and to the nanosecond: <a href="${trials}">trials.csv</a>.</p>
${arms.map((each) => armSection(each, most))}`;
}

function armSection({ arm, trials }: ArmTrials, most: number): Markup {
  const metrics = CHECKPOINTS.map(({ metric }) => metric).filter((metric) =>
    trials.some((trial) => trial.times.has(metric)),
  );
  const shown = trials.slice(0, most);
  const hasReasons = shown.some(({ reason }) => reason !== '');
  const name = armName(arm);
  return html`<details><summary>${name}: ${counted(trials.length, 'trial')}</summary>
${trials.length > shown.length ? html`<p class="quiet">The first ${shown.length} of them; all are in trials.csv.</p>` : undefined}
<div class="scroll" tabindex="0" id="${arm.anchor}"><table>
<thead><tr><th scope="col">block</th><th scope="col" class="number">order</th>${metrics.map(
    (metric) => html`<th scope="col" class="number" id="${arm.anchor}-${metric}">${metricTitle(metric)}</th>`,
  )}<th scope="col">outcome</th>${hasReasons ? html`<th scope="col">reason</th>` : undefined}</tr></thead>
<tbody>
${shown.map((trial) => trialLine(trial, metrics, hasReasons))}</tbody></table></div></details>
`;
}

function trialLine(trial: TrialLine, metrics: readonly StartMetric[], hasReasons: boolean): Markup {
  const { block, order, warmup, outcome, reason, times } = trial;
  return html`<tr><th scope="row">${warmup ? `warm-up ${-block}` : block}</th><td class="number">${order}</td>${metrics.map(
    (metric) => {
      const time = times.get(metric);
      return html`<td class="number">${time === undefined ? '' : formatMs(time)}</td>`;
    },
  )}<td>${outcome}</td>${hasReasons ? html`<td class="text">${reason}</td>` : undefined}</tr>
`;
}

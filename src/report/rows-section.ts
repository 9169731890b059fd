/** The observations themselves, one line a trial, folded away under each arm: what every sentence of the page stands on. */
import type { StartMetric } from '../lab/row.js';
import type { ArmTrials, TrialLine } from './arm-trials.js';
import { html, type Markup } from './html-text.js';
import { SCROLL } from './tables.js';
import { armName, CHECKPOINTS, counted, formatMs, metricTitle } from './wording.js';

/** A page with more lines than this is slow to open; the rest is in trials.csv. Shared between the arms. */
const MOST_LINES = 5000;
const LEAST_LINES_AN_ARM = 20;

/** `trials` is the address of trials.csv. */
export function rowsSection(arms: readonly ArmTrials[], trials: string): Markup {
  const most = Math.max(LEAST_LINES_AN_ARM, Math.floor(MOST_LINES / Math.max(arms.length, 1)));
  return html`<h2 id="rows">Rows</h2>
<p>One line a trial, times in milliseconds since the request. The same observations, one row each and to the nanosecond: <a href="${trials}">trials.csv</a>.</p>
${arms.map((each) => armSection(each, most))}`;
}

function armSection({ arm, trials }: ArmTrials, most: number): Markup {
  const metrics = CHECKPOINTS.map(({ metric }) => metric).filter((metric) =>
    trials.some((trial) => trial.timesMs[metric] !== undefined),
  );
  const shown = trials.slice(0, most);
  const hasReasons = shown.some(({ reason }) => reason !== '');
  const name = armName(arm);
  return html`<details><summary>${name}: ${counted(trials.length, 'trial')}</summary>
${trials.length > shown.length ? html`<p class="quiet">The first ${shown.length} of them; all are in trials.csv.</p>` : undefined}
<div id="${arm.anchor}">${SCROLL}<table>
<thead><tr><th scope="col">block</th><th scope="col" class="number">order</th>${metrics.map(
    (metric) => html`<th scope="col" class="number" id="${arm.anchor}-${metric}">${metricTitle(metric)}</th>`,
  )}<th scope="col">outcome</th>${hasReasons ? html`<th scope="col">reason</th>` : undefined}</tr></thead>
<tbody>
${shown.map((trial) => trialLine(trial, metrics, hasReasons))}</tbody></table></div></div></details>
`;
}

function trialLine(trial: TrialLine, metrics: readonly StartMetric[], hasReasons: boolean): Markup {
  const { block, order, warmup, outcome, reason, timesMs } = trial;
  return html`<tr><th scope="row">${warmup ? `warm-up ${-block}` : block}</th><td class="number">${order}</td>${metrics.map(
    (metric) => {
      const time = timesMs[metric];
      return html`<td class="number">${time === undefined ? '' : formatMs(time)}</td>`;
    },
  )}<td>${outcome}</td>${hasReasons ? html`<td class="text">${reason}</td>` : undefined}</tr>
`;
}

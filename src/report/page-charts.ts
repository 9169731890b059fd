/** The sections of the page that hold a chart, each with the table behind it. */
import type { ArmTrials } from './arm-trials.js';
import { distributionChart, MOST_DOTS } from './charts/distribution.js';
import { ratioForest } from './charts/ratio-forest.js';
import { type Drawing, renderSvg } from './charts/render-svg.js';
import type { WidthName } from './charts/rows-layout.js';
import { type StackedArm, scaleGroups, stackedCheckpoints } from './charts/stacked-checkpoints.js';
import { checkpointStack, STACKED } from './checkpoint-stack.js';
import { html, type Markup, trusted } from './html-text.js';
import { headlineMetric, type ReportArm, type ReportData } from './report-data.js';
import { summaryTable, table } from './tables.js';
import { armName, checkpointOf, formatInterval, formatMs, formatRatio, metricTitle, READY } from './wording.js';

/** Every start of every arm; undefined when no trial went well. */
export function distribution(data: ReportData, trials: readonly ArmTrials[]): Markup | undefined {
  const metric = headlineMetric(data);
  const shown = trials.flatMap(({ arm, trials: lines }) => {
    const good = lines.filter(({ warmup, outcome }) => !warmup && outcome === 'ok');
    const valuesMs = good.flatMap(({ timesMs }) => timesMs[metric] ?? []);
    return valuesMs.length > 0 ? [{ name: armName(arm), accel: arm.accel, valuesMs }] : [];
  });
  if (shown.length === 0) return undefined;
  const title = `Distribution of the time to ${metricTitle(metric)} by arm`;
  const thinned = shown.some(({ valuesMs }) => valuesMs.length > MOST_DOTS);
  const dots = thinned
    ? `Dots are starts (${MOST_DOTS} evenly spaced quantiles where there are more)`
    : 'Each dot is one start';
  const lines = data.summary.filter((line) => line.metric === metric);
  return html`<h2 id="distribution">How long it took</h2>
<p>Time from the request to ${metricTitle(metric)}: ${metric === 'ready' ? READY[data.manifest.scenario.ready] : checkpointOf(metric).definition}.</p>
<figure>
<figcaption>${dots}; the box holds the middle half, the thick line is the median, which the figure on the right repeats.</figcaption>
${both((width) => distributionChart(shown, `time to ${metricTitle(metric)}`, width), title)}
</figure>
<details><summary>The figures of this chart</summary>${summaryTable(lines)}</details>`;
}

/** Each arm beside the baseline; undefined when there is only the baseline. */
export function ratios(data: ReportData, arms: readonly ReportArm[]): Markup | undefined {
  const metric = headlineMetric(data);
  const { baseline } = data.manifest.scenario;
  const lines = data.summary.filter((line) => line.metric === metric && line.verdict !== 'baseline');
  const shown = lines.flatMap((line) => {
    const { ratio, ratioLow: low, ratioHigh: high } = line;
    if (ratio === undefined || low === undefined || high === undefined) return [];
    return [
      { name: armName(line), accel: line.accel, ratio, low, high, distinguishable: line.verdict === 'distinguishable' },
    ];
  });
  if (lines.length === 0) return undefined;
  const baselineNames = arms.filter(({ arm }) => arm === baseline).map(armName);
  const name = baselineNames.length === 1 ? (baselineNames[0] as string) : baseline;
  const title = `Ratios to ${name} with 95 % intervals`;
  return html`<h2 id="ratios">Beside ${name}</h2>
<p>The ratio is the median of the blocks’ ratios: in each block an arm is compared with the ${baseline} of the same block. Where the interval holds 1, the arms are not distinguishable by this run.</p>
${
  shown.length === 0
    ? html`<p class="quiet">No arm has an interval.</p>`
    : html`<figure>
<figcaption>Point: median ratio. Line: 95 % interval by resampling the blocks. Grey: not distinguishable. Dashed: equal.</figcaption>
${both((width) => ratioForest(shown, name, width), title)}
</figure>`
}
<details${shown.length === 0 ? trusted(' open') : undefined}><summary>The ratios of this chart</summary>${table(
    ['arm', 'blocks', 'ratio', '95 % interval', 'verdict'],
    lines.map((line) => [
      armName(line),
      line.blocks,
      line.ratio === undefined ? '' : formatRatio(line.ratio),
      formatInterval(line),
      line.verdict,
    ]),
    [1, 2],
  )}</details>`;
}

/** The checkpoints as stacked bars; undefined when no trial went well. */
export function stacks(trials: readonly ArmTrials[]): Markup | undefined {
  const shown: StackedArm[] = trials.flatMap(({ arm, trials: lines }) => {
    const pieces = checkpointStack(lines);
    return pieces.length === 0 ? [] : [{ name: armName(arm), pieces }];
  });
  if (shown.length === 0) return undefined;
  const used = STACKED.filter((metric) => shown.some((arm) => arm.pieces.some((piece) => piece.metric === metric)));
  const groups = scaleGroups(shown).length;
  return html`<h2 id="checkpoints">Where the time goes</h2>
<p>Medians of the checkpoints of one start, in order. A checkpoint that a technology does not show is not drawn, and its time belongs to the next one.${groups > 1 ? ' The arms differ so much that they stand in groups, each with a scale of its own.' : ''}</p>
<figure>
<div class="legend">${used.map((metric) => html`<span><i style="background:var(--${metric})"></i>until ${metricTitle(metric)}</span>`)}</div>
${both((width) => stackedCheckpoints(shown, width), 'Medians of the checkpoints as stacked bars')}
</figure>
<details><summary>The medians of this chart, ms since the request</summary>${table(
    ['arm', ...used.map(metricTitle)],
    shown.map((arm) => [
      arm.name,
      ...used.map((metric) => {
        const piece = arm.pieces.find((each) => each.metric === metric);
        return piece ? formatMs(piece.untilMs) : '';
      }),
    ]),
    used.map((_, index) => index + 1),
  )}</details>`;
}

/** One chart at both widths; the style sheet shows the one that fits. */
function both(draw: (width: WidthName) => Drawing, title: string): Markup {
  return html`<div class="wide">${trusted(renderSvg(draw('wide'), title))}</div>
<div class="narrow">${trusted(renderSvg(draw('narrow'), title))}</div>`;
}

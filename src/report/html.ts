/**
 * The report as one self-contained page: manifest, rows and summary in, HTML out. Pure; nothing is loaded from anywhere.
 * Each finding links to the rows it stands on, and behind each chart is its table.
 */
import { allowsQuantile, TAIL_OBSERVATIONS } from '../stats/quantile.js';
import { MIN_BLOCKS } from '../stats/ratio.js';
import { armTrials } from './arm-trials.js';
import { comparedArms, differences } from './differences.js';
import { headlines } from './headlines.js';
import { hostTable } from './host-table.js';
import { html, type Markup, trusted } from './html-text.js';
import { distribution, ratios, stacks } from './page-charts.js';
import { PAGE_SCRIPT, PAGE_STYLE } from './page-style.js';
import { busyNote, failures, type ReportData, reportArms, TCG_NOTE, trialsDone, usesTcg } from './report-data.js';
import { rowsSection } from './rows-section.js';
import { differencesTable, summaryTable, table } from './tables.js';
import { armName, CHECKPOINTS, counted, READY, REQUESTED } from './wording.js';

export interface PageLinks {
  /** Relative addresses of the run's files. */
  trials: string;
  summary: string;
  manifest: string;
}

/** The whole page. The same data give the same text. */
export function reportHtml(data: ReportData, links: PageLinks): string {
  const { manifest } = data;
  const arms = reportArms(data);
  const trials = armTrials(data.rows, arms);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="vlab ${manifest.versions.vlab ?? ''}">
<title>${manifest.scenario.title} · ${manifest.run}</title>
<link rel="icon" href="data:,">
<style>${trusted(PAGE_STYLE)}</style>
</head>
<body>
<main>
${top(data)}
${findings(data)}
${distribution(data, trials)}
${ratios(data, arms)}
${stacks(trials)}
${allFigures(data, links)}
${whatDiffers(data)}
${whatFailed(data)}
${machine(data)}
${again(data)}
${howToRead(data)}
${rowsSection(trials, links.trials)}
</main>
<script>${trusted(PAGE_SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

function top({ manifest, rows }: ReportData): Markup {
  const { scenario } = manifest;
  const facts = [
    manifest.run,
    manifest.startedAt.replace('T', ' ').replace(/\..*/, ' UTC'),
    `${scenario.blocks} blocks`,
    `seed ${manifest.seed}`,
    counted(trialsDone({ manifest, rows, summary: [] }), 'trial'),
  ];
  return html`<header>
<div class="eyebrow">vlab · comparative virtualization laboratory</div>
<h1>${scenario.title}</h1>
${scenario.question === '' ? undefined : html`<p class="question">${scenario.question}</p>`}
<div class="meta">${facts.join(' · ')}</div>
</header>
${partialNote({ manifest, rows, summary: [] })}`;
}

function partialNote(data: ReportData): Markup | undefined {
  const { manifest } = data;
  if (!manifest.partial) return undefined;
  const done = `${trialsDone(data)} of ${counted(manifest.trialsPlanned, 'planned trial')}`;
  const why = manifest.partialReason === undefined ? '' : ` (${manifest.partialReason})`;
  return html`<p class="note"><strong>This run is partial${why}:</strong> ${done} have rows. <code>vlab bench --resume ${manifest.run}</code> goes on with it.</p>`;
}

function findings(data: ReportData): Markup {
  const ratios = data.summary.filter((line) => line.ratioLow !== undefined).length;
  return html`<h2 id="findings">Findings</h2>
<ul class="findings">
${headlines(data).map(
  ({ name, text, anchor }) => html`<li><strong>${name}</strong> ${text} <a href="#${anchor}">its rows</a></li>\n`,
)}</ul>
${[busyNote(data), usesTcg(data) ? TCG_NOTE : undefined].map((note) => note && html`<p class="note">${note}</p>`)}
${
  ratios > 1
    ? html`<p class="quiet">This report holds ${ratios} intervals of 95 %. If nothing differed, about ${(ratios / 20).toFixed(1)} of them would exclude 1 by chance.</p>`
    : undefined
}`;
}

function allFigures({ summary }: ReportData, links: PageLinks): Markup {
  return html`<h2 id="figures">All figures</h2>
<p>Every arm and every checkpoint, in milliseconds since the request. Also as <a href="${links.summary}">summary.csv</a>.</p>
<details><summary>${counted(summary.length, 'line')}</summary>${summaryTable(summary)}</details>`;
}

function whatDiffers({ manifest }: ReportData): Markup {
  const rows = differences(manifest);
  const { command, programSha256, rootfsDigest } = manifest.payload;
  const same = [
    `program ${command.join(' ')} (sha256 ${programSha256.slice(0, 16)}…)`,
    `content of the root file system ${rootfsDigest.slice(0, 23)}…`,
    ...rows.filter((row) => row.same).map(({ property, values }) => `${property}: ${values[0]}`),
  ];
  return html`<h2 id="differences">What differs between the arms</h2>
<p>A ratio compares whole ways of starting a program. These are the differences that it may come from.</p>
${differencesTable(
  comparedArms(manifest).map((arm) => armName({ arm: arm.label, accel: arm.accel })),
  rows.filter((row) => !row.same),
)}
<p class="quiet">The same for all: ${same.join('; ')}.</p>`;
}

function whatFailed(data: ReportData): Markup {
  const groups = failures(data);
  const left = data.manifest.arms.filter((arm) => arm.excluded !== undefined);
  const { remarks } = data.manifest;
  const nothing = groups.length + left.length + remarks.length === 0;
  return html`<h2 id="failures">What went wrong</h2>
${nothing ? html`<p>Nothing: every trial of every arm did what it should.</p>` : undefined}
${
  groups.length === 0
    ? undefined
    : table(
        ['arm', 'outcome', 'trials', 'reason', 'in blocks'],
        groups.map((group) => [
          armName(group),
          group.outcome,
          `${group.count}${group.warmups > 0 ? ` (${group.warmups} in warm-up)` : ''}`,
          group.reason,
          `${group.blocks.join(', ')}${group.count > group.blocks.length ? ', …' : ''}`,
        ]),
        [2],
      )
}
${left.map(({ label, excluded }) => html`<p><strong>${label}</strong> was left out before the first trial: ${excluded}</p>`)}
${remarks.map((remark) => html`<p>${remark}</p>`)}`;
}

function machine({ manifest }: ReportData): Markup {
  return html`<h2 id="machine">The machine</h2>
<dl>${hostTable(manifest).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function again({ manifest }: ReportData): Markup {
  const { git } = manifest;
  const commit = git
    ? `commit ${git.commit.slice(0, 12)}${git.dirty ? ' with uncommitted changes' : ''}`
    : 'no checkout';
  return html`<h2 id="again">Make it again</h2>
<pre>${manifest.command}</pre>
<p class="quiet">Made by <code>vlab ${manifest.argv.join(' ')}</code>, seed ${manifest.seed}, ${commit}. The same seed gives the same order of trials and, from the same rows, the same intervals.</p>`;
}

function howToRead({ manifest }: ReportData): Markup {
  return html`<h2 id="definitions">How to read it</h2>
<p>All times are read on one clock of the host (CLOCK_MONOTONIC) and count from t0. No time of a guest is used. In this scenario ready means: ${READY[manifest.scenario.ready]}.</p>
${table(
  ['', 'checkpoint', 'definition'],
  [
    [REQUESTED.number, REQUESTED.title, REQUESTED.definition],
    ...CHECKPOINTS.map(({ number, title, definition }) => [number, title, definition]),
  ],
)}
<p>The arms take turns in blocks, each block in a new random order, so that a slow drift of the machine meets all of them alike. Warm-up blocks are kept in the rows and left out of all figures. Failed trials are counted and give no times.</p>
<p>Quantiles are linear between neighbours (definition 7 of Hyndman and Fan). A tail quantile is printed only when ${TAIL_OBSERVATIONS} observations are expected beyond it: p95 from ${leastFor(0.95)} observations, p99 from ${leastFor(0.99)}.</p>
<p>The interval of a ratio is a double-or-nothing bootstrap of the median over blocks; below ${MIN_BLOCKS} blocks there is none. It covers what varies inside this run, not what would differ on another machine or another day.</p>`;
}

function leastFor(p: number): number {
  let n = 1;
  while (!allowsQuantile(n, p)) n++;
  return n;
}

/**
 * `npm run bench`: how fast vlab starts things, beside a floor, beside peers and beside Node itself, in one interleaved
 * run. Prints a table; writes docs/bench/start.json and the table in docs/promises.md unless --no-write.
 */
import { parseArgs } from 'node:util';
import { VlabError } from '../src/base/errors.js';
import { probeRootfs } from '../src/drivers/probe-rootfs.js';
import { schedule } from '../src/lab/schedule.js';
import { makeScratch } from '../src/lab/scratch.js';
import type { BenchArm, OpenArm } from './arm.js';
import { COMPARISONS, METRIC_WORDS, type Metric } from './comparisons.js';
import { keepResult, machineWords } from './keep-result.js';
import { compare, figuresOf, type Trial, valuesOf } from './measured.js';
import { ENVIRONMENT, startArms } from './start-arms.js';
import { COMPARED_HEAD, comparedRows, FIGURE_HEAD, figureRows, markdownTable, textTable } from './table.js';
import { wholeNumber } from './whole-number.js';

const WARM_UP_BLOCKS = 3;

/** Runs the bench with the words behind `npm run bench --`. */
export async function startBench(words: string[]): Promise<void> {
  const { values } = parseArgs({
    args: words,
    options: {
      blocks: { type: 'string', default: '100' },
      seed: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      'no-write': { type: 'boolean', default: false },
    },
  });
  const blocks = wholeNumber('--blocks', values.blocks, 1, 10_000);
  const seed = wholeNumber('--seed', values.seed ?? String(Date.now() % 2 ** 31), 0, Number.MAX_SAFE_INTEGER);
  const say = (text: string) => (values.json ? process.stderr : process.stdout).write(`${text}\n`);

  await using scratch = await makeScratch();
  const arms: BenchArm[] = [];
  try {
    const wanted = values.only?.split(',');
    const rootfs = (await probeRootfs()).dir;
    const openers = Object.entries(startArms(rootfs, scratch.dir));
    for (const label of wanted ?? []) {
      if (openers.some(([known]) => known === label)) continue;
      throw new VlabError('input', `there is no arm ${label}`, {
        hint: `arms: ${openers.map(([known]) => known).join(', ')}`,
      });
    }
    const chosen = openers.filter(([label]) => wanted === undefined || wanted.includes(label));
    const absent = await open(chosen, arms);
    for (const arm of arms) arm.what = arm.what.replaceAll(rootfs, 'ROOTFS').replaceAll(scratch.dir, 'SCRATCH');
    for (const { label, reason } of absent) say(`without ${label}: ${reason}`);
    const trials = await measure(arms, blocks, seed, say);
    const result = report(arms, absent, trials, seed, blocks);
    if (values.json) process.stdout.write(`${JSON.stringify(result.json, undefined, 2)}\n`);
    else say(result.text);
    if (!values['no-write']) keepResult('bench', 'start.json', result.json, result.markdown);
  } finally {
    for (const arm of arms) await arm.close();
  }
}

interface Absent {
  label: string;
  reason: string;
}

/** Opens the arms and starts each once, which must work; a peer that does not is left out, with its reason. */
async function open(openers: [string, OpenArm][], arms: BenchArm[]): Promise<Absent[]> {
  const absent: Absent[] = [];
  for (const [label, opener] of openers) {
    const arm = await opener();
    if ('absent' in arm) {
      absent.push({ label, reason: arm.absent });
      continue;
    }
    arms.push(arm);
    await arm.start();
  }
  return absent;
}

async function measure(
  arms: readonly BenchArm[],
  blocks: number,
  seed: number,
  say: (text: string) => void,
): Promise<Trial[]> {
  const byLabel = new Map(arms.map((arm) => [arm.label, arm]));
  const order = schedule({ name: 'bench', arms, blocks, warmup: WARM_UP_BLOCKS }, seed);
  const began = Date.now();
  const trials: Trial[] = [];
  let tenths = 0;
  for (const { block, arm, warmup, order: position } of order) {
    const times = await (byLabel.get(arm) as BenchArm).start();
    if (!warmup) trials.push({ block, arm, times });
    const done = Math.floor(((position + 1) / order.length) * 10);
    if (done > tenths) say(`${position + 1} of ${order.length} starts, ${((Date.now() - began) / 1000).toFixed(0)} s`);
    tenths = done;
  }
  return trials;
}

interface Result {
  text: string;
  markdown: string;
  json: object;
}

function report(
  arms: readonly BenchArm[],
  absent: readonly Absent[],
  trials: readonly Trial[],
  seed: number,
  blocks: number,
): Result {
  const labels = arms.map(({ label }) => label);
  const accelOf = (arm: string) => arms.find(({ label }) => label === arm)?.accel;
  const metrics = Object.keys(METRIC_WORDS) as Metric[];
  const figures = figuresOf(trials, labels, metrics);
  const compared = compare(trials, COMPARISONS, seed);
  const date = new Date().toISOString().slice(0, 10);
  const command = `npm run bench -- --blocks ${blocks} --seed ${seed}`;
  const machine = machineWords();
  const rows = comparedRows(compared, accelOf);
  return {
    text: `${textTable(FIGURE_HEAD, figureRows(figures, accelOf))}\n\n${textTable(COMPARED_HEAD, rows)}`,
    markdown: [
      `${date}, ${machine}; ${blocks} blocks in random order (seed ${seed}); values in [start.json](bench/start.json).`,
      markdownTable(
        [...COMPARED_HEAD, 'date', 'command'],
        rows.map((row) => [...row, date, '`npm run bench`']),
      ),
      markdownTable(
        FIGURE_HEAD.concat('command'),
        figureRows(figures, accelOf).map((row) => [...row, '`npm run bench`']),
      ),
      arms.map(({ label, what }) => `- **${label}**: ${what}`).join('\n'),
      absent.map(({ label, reason }) => `- without ${label}: ${reason}`).join('\n'),
    ]
      .filter(Boolean)
      .join('\n\n'),
    json: {
      command,
      date,
      machine,
      seed,
      blocks,
      environment: ENVIRONMENT,
      scrubbed: 'measured commands get nothing else, so no NODE_EXTRA_CA_CERTS and no NODE_OPTIONS',
      arms: Object.fromEntries(arms.map(({ label, what, every, accel }) => [label, { what, every, accel }])),
      absent,
      compared,
      figures,
      /** Microseconds, block by block. */
      values: figures.map(({ arm, metric }) => ({
        arm,
        metric,
        us: [...valuesOf(trials, { arm, metric }).values()].map((ms) => Math.round(ms * 1000)).join(' '),
      })),
    },
  };
}

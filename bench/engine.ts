/**
 * `npm run bench:engine`: containers of images, beside podman, and beside umoci, skopeo and GNU tar where they do the same. Prints the
 * tables; writes docs/bench/engine.md and engine.json, and the promises among the figures into docs/promises.md, unless --no-write.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VlabError } from '../src/base/errors.js';
import { packageRoot } from '../src/base/paths.js';
import { readPressure } from '../src/lab/pressure.js';
import { makeScratch } from '../src/lab/scratch.js';
import { copying } from './engine/copying.js';
import { listing } from './engine/listing.js';
import { manyAtOnce } from './engine/many-at-once.js';
import { PROMISED_HEAD, promisedRow } from './engine/promised.js';
import { inRoom, ROOM_CGROUP } from './engine/room.js';
import { start } from './engine/start.js';
import { type EnginePart, type MeasureEngine, openTools } from './engine/tools.js';
import { traffic } from './engine/traffic.js';
import { unpack } from './engine/unpack.js';
import { keepResult, machineWords } from './keep-result.js';
import { markdownTable, textTable } from './table.js';
import { wholeNumber } from './whole-number.js';

const PARTS: Record<string, MeasureEngine> = { start, unpack, copying, atonce: manyAtOnce, traffic, listing };
const OPTIONS = {
  rounds: { type: 'string', default: '30' },
  files: { type: 'string', default: '30000' },
  'at-once': { type: 'string', default: '100' },
  records: { type: 'string', default: '1000' },
  'traffic-seconds': { type: 'string', default: '1' },
  seed: { type: 'string' },
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
  'no-write': { type: 'boolean', default: false },
} as const;

/** Runs the bench with the words behind `npm run bench:engine --`. */
export async function engineBench(words: string[]): Promise<void> {
  const { values } = parseArgs({ args: words, options: OPTIONS });
  if (process.getuid?.() !== 0) throw new VlabError('host', 'this bench needs root', { hint: 'run it by sudo' });
  const seed = wholeNumber('--seed', values.seed ?? String(Date.now() % 2 ** 31), 0, Number.MAX_SAFE_INTEGER);
  const sizes = {
    rounds: wholeNumber('--rounds', values.rounds, 2, 10_000),
    files: wholeNumber('--files', values.files, 1, 1_000_000),
    atOnce: wholeNumber('--at-once', values['at-once'], 1, 250),
    records: wholeNumber('--records', values.records, 11, 100_000),
    trafficSeconds: wholeNumber('--traffic-seconds', values['traffic-seconds'], 1, 60),
  };
  const names = values.only?.split(',') ?? Object.keys(PARTS);
  const unknown = names.find((name) => !PARTS[name]);
  if (unknown !== undefined) {
    throw new VlabError('input', `there is no part ${unknown}`, { hint: `parts: ${Object.keys(PARTS).join(', ')}` });
  }
  if (!process.env[ROOM_CGROUP]) {
    process.exitCode = await inRoom();
    return;
  }
  const say = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
  const { load1 } = await readPressure();
  const isBusy = load1 > availableParallelism() / 2;
  if (isBusy) say(`warning: the machine is busy (load ${load1}): figures will be too large`);
  await using scratch = await makeScratch();
  const context = await openTools({ scratchDir: scratch.dir, rootfs: '', seed, rounds: sizes.rounds, say }, sizes);
  await using _timer = context.timer;
  const parts: EnginePart[] = [];
  for (const name of names) {
    const part = await PARTS[name]?.(context);
    if (!part) continue;
    parts.push(part);
    say(`\n${part.title}\n${textTable(part.head, part.rows)}\n`);
  }
  const promises = parts.flatMap((part) => part.promises);
  say(textTable(PROMISED_HEAD, promises.map(promisedRow)));
  const { rounds, files, atOnce, records, trafficSeconds } = sizes;
  const counts = `--rounds ${rounds} --files ${files} --at-once ${atOnce} --records ${records} --traffic-seconds ${trafficSeconds}`;
  const command = `npm run bench:engine -- ${counts} --seed ${seed}`;
  if (values.json) process.stdout.write(`${JSON.stringify({ command, seed, load1, promises, parts })}\n`);
  if (!values['no-write']) keep(parts, command, isBusy);
}

function keep(parts: readonly EnginePart[], command: string, isBusy: boolean): void {
  const date = new Date().toISOString().slice(0, 10);
  const machine = machineWords() + (isBusy ? '; the machine was busy' : '');
  const promises = parts.flatMap((part) => part.promises);
  const sections = parts.map(({ title, how, head, rows }) => `## ${title}\n\n${how}\n\n${markdownTable(head, rows)}\n`);
  const page = [
    '# Containers of images, measured\n',
    `\`${command}\` on ${date}, ${machine}. Written by that command; the values are in [engine.json](engine.json).`,
    'Everything runs in network and mount namespaces of its own, with all directories in memory. Compare ratios between machines, never times',
    '([how](../decisions/0003-ratio-intervals.md)).\n',
    ...sections,
  ].join('\n');
  const folder = join(packageRoot(), 'docs/bench');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'engine.md'), page);
  const table = markdownTable(
    [...PROMISED_HEAD, 'date', 'command'],
    promises.map((one) => [...promisedRow(one), date, '`npm run bench:engine`']),
  );
  const json = { command, date, machine, promises, parts: parts.map(({ title, values }) => ({ title, values })) };
  keepResult(
    'bench:engine',
    'engine.json',
    json,
    `${date}, ${machine}; all figures in [engine.md](bench/engine.md).\n\n${table}`,
  );
}

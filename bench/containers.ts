/**
 * `npm run bench:containers`: verbs, throughput, exec, many idle containers, and what each part of a container costs. Prints
 * the tables; writes docs/bench/containers.md and containers.json unless --no-write.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VlabError } from '../src/base/errors.js';
import { packageRoot } from '../src/base/paths.js';
import { probeRootfs } from '../src/drivers/probe-rootfs.js';
import { makeScratch } from '../src/lab/scratch.js';
import { ablation } from './containers/ablation.js';
import { exec } from './containers/exec.js';
import type { MeasurePart, Part } from './containers/part.js';
import { scale } from './containers/scale.js';
import { throughput } from './containers/throughput.js';
import { verbs } from './containers/verbs.js';
import { machineWords } from './keep-result.js';
import { markdownTable, textTable } from './table.js';
import { wholeNumber } from './whole-number.js';

const PARTS: Record<string, MeasurePart> = { verbs, throughput, exec, scale, ablation };

/** Runs the bench with the words behind `npm run bench:containers --`. */
export async function containersBench(words: string[]): Promise<void> {
  const { values } = parseArgs({
    args: words,
    options: {
      rounds: { type: 'string', default: '60' },
      seed: { type: 'string' },
      only: { type: 'string' },
      'no-write': { type: 'boolean', default: false },
    },
  });
  if (process.getuid?.() !== 0) throw new VlabError('host', 'this bench needs root', { hint: 'run it by sudo' });
  const rounds = wholeNumber('--rounds', values.rounds, 5, 10_000);
  const seed = wholeNumber('--seed', values.seed ?? String(Date.now() % 2 ** 31), 0, Number.MAX_SAFE_INTEGER);
  const names = values.only?.split(',') ?? Object.keys(PARTS);
  const unknown = names.find((name) => !PARTS[name]);
  if (unknown !== undefined) {
    throw new VlabError('input', `there is no part ${unknown}`, { hint: `parts: ${Object.keys(PARTS).join(', ')}` });
  }
  await using scratch = await makeScratch();
  const rootfs = (await probeRootfs()).dir;
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const parts: Part[] = [];
  for (const name of names) {
    const part = await PARTS[name]?.({ scratchDir: scratch.dir, rootfs, seed, rounds, say });
    if (!part) continue;
    parts.push(part);
    say(`\n${part.title}\n${textTable(part.head, part.rows)}\n`);
  }
  if (!values['no-write']) keep(parts, `npm run bench:containers -- --rounds ${rounds} --seed ${seed}`);
}

function keep(parts: readonly Part[], command: string): void {
  const date = new Date().toISOString().slice(0, 10);
  const machine = machineWords();
  const sections = parts.map(({ title, how, head, rows }) => `## ${title}\n\n${how}\n\n${markdownTable(head, rows)}\n`);
  const page = [
    '# Containers, measured\n',
    `\`${command}\` on ${date}, ${machine}. Written by that command; the values are in [containers.json](containers.json).`,
    'Compare ratios between machines, never times. Ratios are taken inside rounds of one interleaved run',
    '([how](../decisions/0003-ratio-intervals.md)).\n',
    ...sections,
  ].join('\n');
  const folder = join(packageRoot(), 'docs/bench');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'containers.md'), page);
  const json = { command, date, machine, parts: parts.map(({ title, values }) => ({ title, values })) };
  writeFileSync(join(folder, 'containers.json'), `${JSON.stringify(json)}\n`);
}

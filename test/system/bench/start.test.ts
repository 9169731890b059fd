// `npm run bench` for two blocks, without machines: every arm that this machine can have is started and timed. Needs root;
// peers that are absent are named. Its figures are too few to mean anything.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { isRoot, needs, type SkipName } from '../../skips.js';

const root = join(import.meta.dirname, '../../..');

interface Result {
  seed: number;
  arms: Record<string, { what: string; every: number }>;
  absent: { label: string; reason: string }[];
  compared: { of: { arm: string }; ratio: { blocks: number; ratio: number } }[];
  figures: { arm: string; metric: string; summary: { n: number; median: number; min: number } }[];
}

const OWN = ['floor', 'launcher', 'process', 'vlab-run', 'vlab-help', 'node'];
const PEERS: [string, SkipName][] = [
  ['bwrap', 'bubblewrap'],
  ['crun', 'crun'],
  ['runc', 'runc'],
];

function bench(...words: string[]) {
  const script = join(root, 'scripts/bench.mjs');
  return spawnSync(process.execPath, [script, ...words], { cwd: root, encoding: 'utf8' });
}

let result: Result | undefined;
beforeEach((context) => {
  needs(context, 'root', isRoot);
  if (result) return;
  const only = [...OWN, ...PEERS.map(([label]) => label)].join(',');
  const ran = bench('start', '--blocks', '2', '--seed', '5', '--no-write', '--json', '--only', only);
  expect(ran.status, ran.stderr).toBe(0);
  result = JSON.parse(ran.stdout) as Result;
});

describe('npm run bench', () => {
  it.each(OWN)('times %s', (label) => {
    const figures = result?.figures.filter(({ arm }) => arm === label) ?? [];
    expect(figures.length).toBeGreaterThan(0);
    for (const { summary } of figures) {
      expect(summary.n).toBe(2);
      expect(summary.min).toBeGreaterThan(0);
    }
  });

  it.for(PEERS)('times %s', ([label, skip], context) => {
    needs(context, skip, findProgram(label) !== undefined);
    expect(result?.absent.filter((one) => one.label === label)).toEqual([]);
    expect(result?.arms[label]?.what).toContain(label);
    expect(result?.figures.find(({ arm }) => arm === label)?.summary.n).toBe(2);
  });

  it('stores the seed and compares inside the two blocks', () => {
    expect(result?.seed).toBe(5);
    expect(result?.compared.length).toBeGreaterThanOrEqual(6);
    for (const { ratio } of result?.compared ?? []) expect(ratio.blocks).toBe(2);
  });

  it('keeps the order of checkpoints', () => {
    const median = (arm: string, metric: string) =>
      result?.figures.find((figure) => figure.arm === arm && figure.metric === metric)?.summary.median ?? Number.NaN;
    for (const arm of ['floor', 'launcher', 'process']) {
      expect(median(arm, 'exec'), arm).toBeLessThan(median(arm, 'exit'));
      expect(median(arm, 'exit'), arm).toBeLessThanOrEqual(median(arm, 'clean'));
    }
  });
});

it('an arm that does not exist is an error that names those that do', () => {
  const { status, stderr } = bench('start', '--only', 'flor');
  expect(status).toBe(2);
  expect(stderr).toMatch(/no arm flor[\s\S]*floor, launcher/);
});

describe('npm run bench:steps', () => {
  beforeEach((context) => needs(context, 'root', isRoot));

  it('finds the time of every step before exec', () => {
    const ran = bench('steps', '--starts', '2', '--json');
    expect(ran.status, ran.stderr).toBe(0);
    const steps = JSON.parse(ran.stdout) as { step: number; call: string; us: number }[];
    expect(steps.length).toBeGreaterThan(100);
    expect(steps.find(({ call }) => call.startsWith('clone3'))?.us).toBeGreaterThan(0);
    expect(steps.find(({ call }) => call.startsWith('execve'))).toBeUndefined();
  });
});

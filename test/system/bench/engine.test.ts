// `npm run bench:engine` with tiny counts: every part measures, and nothing is left. Needs root, busybox, tar; what else is absent is
// named by a skip. Its figures are too few to mean anything.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { isRoot, needs } from '../../skips.js';

const root = join(import.meta.dirname, '../../..');
const TINY = [
  '--rounds',
  '2',
  '--files',
  '40',
  '--at-once',
  '3',
  '--records',
  '12',
  '--seed',
  '7',
  '--no-write',
  '--json',
];

interface Result {
  seed: number;
  promises: { name: string; figure: string; promise: string }[];
  parts: { title: string; head: string[]; rows: string[][]; values: Record<string, unknown> }[];
}

function bench(...words: string[]) {
  const script = join(root, 'scripts/bench.mjs');
  return spawnSync(process.execPath, [script, 'engine', ...words], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
}

const links = () => readdirSync('/sys/class/net').sort();
const cgroups = () =>
  readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .flatMap(({ name }) =>
      readdirSync(join('/sys/fs/cgroup', name)).filter((below) => below.startsWith('vlab-bench-')),
    );

describe('npm run bench:engine', () => {
  beforeEach((context) => {
    needs(context, 'root', isRoot);
    needs(context, 'busybox-static', findProgram('busybox') !== undefined);
    needs(context, 'docker-registry', findProgram('docker-registry') !== undefined);
    needs(context, 'skopeo', findProgram('skopeo') !== undefined);
    needs(context, 'iperf3', findProgram('iperf3') !== undefined);
  });

  it('measures every part, in tables whose rows are as long as their heads, and leaves nothing', {
    timeout: 120_000,
  }, () => {
    const before = links();
    const ran = bench(...TINY);
    expect(ran.status, ran.stderr).toBe(0);
    const { seed, parts, promises } = JSON.parse(ran.stdout) as Result;
    expect(seed).toBe(7);
    expect(parts).toHaveLength(6);
    for (const { title, head, rows, values } of parts) {
      expect(rows.length, title).toBeGreaterThan(0);
      for (const row of rows) {
        expect(row, title).toHaveLength(head.length);
        expect(row.join(' '), title).not.toContain('NaN');
      }
      expect(Object.keys(values).length, title).toBeGreaterThan(0);
    }
    expect(promises.map(({ name }) => name)).toContain('`vlab ps -a` with 12 containers');
    expect(promises.length).toBeGreaterThanOrEqual(3);
    expect(links()).toEqual(before);
    expect(cgroups()).toEqual([]);
  });
});

it('a part that does not exist is an error that names those that do', (context) => {
  needs(context, 'root', isRoot);
  const { status, stderr } = bench('--only', 'strat');
  expect(status).toBe(2);
  expect(stderr).toMatch(/no part strat[\s\S]*start, unpack/);
});

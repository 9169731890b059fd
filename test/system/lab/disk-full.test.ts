// A disk that is full while rows are written: a tmpfs of 64 KiB in a mount namespace of the test's own. Needs root.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readManifest, readRows } from '../../../src/lab/run-folder.js';
import { isRoot, needs } from '../../skips.js';
import { fakeScenarioFile, startVlab, VLAB, workFolder } from './vlab-command.js';

/** Everything happens in the namespace: what is on the small disk goes with it, so both states are copied out. */
const SCRIPT = `
  set -e
  mount -t tmpfs -o size=64k small "$1/results"
  set +e
  node "$2" bench fake.yaml --seed 4 2> "$1/first.err" > "$1/first.out"; echo "first $?"
  set -e
  cp -a "$1/results" "$1/full"
  mount -o remount,size=16m "$1/results"
  node "$2" bench --resume latest 2> "$1/second.err" > "$1/second.out"; echo "second $?"
  cp -a "$1/results" "$1/after"
  cat "$1/first.err" >&2
`;

test('a full disk is a clear error, the rows so far are whole, and --resume ends with the rows of an undisturbed run', async (context) => {
  needs(context, 'root', isRoot);
  const dir = workFolder();
  mkdirSync(join(dir, 'results'));
  fakeScenarioFile(dir, [{ label: 'a' }, { label: 'b', options: { seed: 2 } }], { blocks: 80 });
  const undisturbed = await startVlab(['bench', 'fake.yaml', '--seed', '4', '--results', 'whole'], dir).ended;
  expect(undisturbed.code).toBe(0);
  const wanted = await shapeIn(join(dir, 'whole'));

  const done = spawnSync('unshare', ['-m', 'sh', '-c', SCRIPT, 'sh', dir, VLAB], { cwd: dir, encoding: 'utf8' });
  expect(done.stdout).toBe('first 1\nsecond 0\n');
  expect(done.stderr).toMatch(/^error: the disk is full \(ENOSPC\) while writing to .*\/results\/\S+-fake-/m);
  expect(done.stderr).toMatch(
    /^hint: the rows so far are whole; make room and go on with: vlab bench --resume \S+-fake-/m,
  );

  const full = await shapeIn(join(dir, 'full'));
  expect(full.length).toBeGreaterThan(100);
  expect(full.length).toBeLessThan(wanted.length);
  expect(full).toEqual(wanted.slice(0, full.length));
  expect(await shapeIn(join(dir, 'after'))).toEqual(wanted);
  const [run = ''] = readdirSync(join(dir, 'after'));
  expect(readdirSync(join(dir, 'after', run)).sort()).toEqual([
    'manifest.json',
    'scenario.yaml',
    'summary.csv',
    'trials.csv',
  ]);
  expect(await readManifest(join(dir, 'after', run))).toMatchObject({
    partial: false,
    resumedAt: [expect.any(String)],
  });
});

async function shapeIn(results: string): Promise<string[]> {
  const [run = ''] = readdirSync(results);
  const rows = await readRows(join(results, run));
  return rows.map(({ order, block, arm, metric, outcome }) => [order, block, arm, metric, outcome].join(' '));
}

import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Manifest } from '../../../src/lab/manifest.js';
import { encodeRows, ROWS_HEADER } from '../../../src/lab/row-csv.js';
import { findRun, RunFolder, readManifest, readRows } from '../../../src/lab/run-folder.js';
import { rowOfFailure, rowsOfStart } from '../../../src/lab/trial-rows.js';
import { temporaryDir } from './fixtures.js';

const arm = { label: 'a', driver: 'fake', accel: '' } as const;
const trialRows = (order: number) =>
  rowsOfStart({ order, block: order, arm: 'a', warmup: false }, arm, { requested: 1n, ready: 5n });

test('run ids sort by time and carry the scenario; two of one second differ', async () => {
  const results = temporaryDir();
  const runs: string[] = [];
  for (const time of ['2026-11-24T07:00:00Z', '2026-11-24T07:00:00Z', '2026-11-24T07:00:01Z']) {
    await using folder = await RunFolder.create(results, 'small', new Date(time));
    runs.push(folder.run);
  }
  expect(runs[0]).toMatch(/^20261124-070000-small-[0-9a-f]{4}$/);
  expect(runs[2]).toMatch(/^20261124-070001-small-[0-9a-f]{4}$/);
  expect(new Set(runs).size).toBe(3);
});

test('a torn tail is kept in torn.txt, and rows go on after the last whole trial', async () => {
  const results = temporaryDir();
  let dir: string;
  {
    await using folder = await RunFolder.create(results, 'small');
    dir = folder.dir;
    await folder.append(trialRows(0));
  }
  const tail = encodeRows(trialRows(1)).slice(0, 70);
  appendFileSync(join(dir, 'trials.csv'), tail);
  {
    await using folder = await RunFolder.resume(dir);
    expect(folder.earlierRows).toEqual(trialRows(0));
    await folder.append(trialRows(1));
  }
  expect(await readRows(dir)).toEqual([...trialRows(0), ...trialRows(1)]);
  expect(readFileSync(join(dir, 'torn.txt'), 'utf8')).toBe(`${tail}\n`);
});

test('a run that was killed before its header was written is mended too', async () => {
  const results = temporaryDir();
  const { dir } = await closed(RunFolder.create(results, 'small'));
  writeFileSync(join(dir, 'trials.csv'), ROWS_HEADER.slice(0, 10));
  {
    await using folder = await RunFolder.resume(dir);
    await folder.append(trialRows(0));
  }
  expect(readFileSync(join(dir, 'trials.csv'), 'utf8')).toBe(ROWS_HEADER + encodeRows(trialRows(0)));
});

test('one writer at a time; the next may come when the first has gone', async () => {
  const results = temporaryDir();
  let dir: string;
  {
    await using folder = await RunFolder.create(results, 'small');
    dir = folder.dir;
    await expect(RunFolder.resume(dir)).rejects.toThrow(/being written by another vlab/);
  }
  await using again = await RunFolder.resume(dir);
  expect(again.earlierRows).toEqual([]);
});

test('a run is found by its id, a part of it, its path, or as the latest', async () => {
  const results = temporaryDir();
  const first = await closed(RunFolder.create(results, 'small', new Date('2026-11-24T07:00:00Z')));
  const second = await closed(RunFolder.create(results, 'large', new Date('2026-11-25T07:00:00Z')));
  const unfinished = await closed(RunFolder.create(results, 'small', new Date('2026-11-26T07:00:00Z')));
  for (const { dir } of [first, second]) writeFileSync(join(dir, 'manifest.json'), '{"format":1}');

  expect(await findRun(results, first.run)).toBe(first.dir);
  expect(await findRun(results, 'small')).toBe(first.dir);
  expect(await findRun(results, second.dir)).toBe(second.dir);
  expect(await findRun(results, 'latest')).toBe(second.dir);
  await expect(findRun(results, '202611')).rejects.toThrow(/2 runs in .* have `202611` in their name/);
  await expect(findRun(results, 'medium')).rejects.toThrow(/no run `medium`/);
  await expect(findRun(results, unfinished.dir)).rejects.toThrow(/is no run/);
});

test('a manifest is replaced in one step and read back; another format is refused', async () => {
  const results = temporaryDir();
  await using folder = await RunFolder.create(results, 'small');
  const manifest = { format: 1, run: folder.run, partial: true } as Manifest;
  await folder.writeManifest(manifest);
  expect(await readManifest(folder.dir)).toEqual(manifest);
  expect(statSync(join(folder.dir, 'manifest.json')).mode & 0o444).toBe(0o444);
  writeFileSync(join(folder.dir, 'manifest.json'), '{"format":9}');
  await expect(readManifest(folder.dir)).rejects.toThrow(/has format 9; this vlab reads format 1/);
});

test('reasons of several lines stay one row', async () => {
  const results = temporaryDir();
  await using folder = await RunFolder.create(results, 'small');
  const row = rowOfFailure(
    { order: 0, block: 0, arm: 'a', warmup: false },
    arm,
    'failed',
    'first\r\nsecond, "third"\u2028=1+1',
  );
  await folder.append([row]);
  expect(row.reason).toBe('first second, "third" =1+1');
  expect(await readRows(folder.dir)).toEqual([row]);
});

async function closed(opening: Promise<RunFolder>): Promise<{ dir: string; run: string }> {
  await using folder = await opening;
  return { dir: folder.dir, run: folder.run };
}

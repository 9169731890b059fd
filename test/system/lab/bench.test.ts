// The bench as a command. Needs nothing (one test needs root): the arms are fake, but the process, its signals, files and exit codes are real.
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Row } from '../../../src/lab/row.js';
import { readManifest, readRows } from '../../../src/lab/run-folder.js';
import { isRoot, needs } from '../../skips.js';
import { fakeScenarioFile, startVlab, workFolder } from './vlab-command.js';

const TWO = [{ label: 'a' }, { label: 'b', options: { seed: 2 } }];

function runs(dir: string): string[] {
  return readdirSync(join(dir, 'results')).map((run) => join(dir, 'results', run));
}

function shape(rows: readonly Row[]): string[] {
  return rows.map(({ order, block, arm, metric, outcome }) => [order, block, arm, metric, outcome].join(' '));
}

test('a run prints its table and names the files to open', async () => {
  const dir = workFolder();
  fakeScenarioFile(dir, TWO, { blocks: 6 });
  const { code, stdout, stderr } = await startVlab(['bench', 'fake.yaml', '--seed', '5'], dir).ended;
  expect(stderr).toContain('seed 5');
  expect(code).toBe(0);
  const [run = ''] = runs(dir);
  for (const file of ['trials.csv', 'summary.csv'])
    expect(stdout).toContain(join('results', run.split('/').at(-1) ?? '', file));
  const html = /^ *(reports\/\S+\/index\.html)/m.exec(stdout)?.[1] ?? '';
  expect(readFileSync(join(dir, html), 'utf8')).toMatch(/^<!doctype html>/i);
  expect(await readManifest(run)).toMatchObject({
    partial: false,
    seed: 5,
    argv: ['bench', 'fake.yaml', '--seed', '5'],
    command: 'vlab bench fake.yaml --seed 5',
  });
});

test('--json prints one document and nothing else on standard output', async () => {
  const dir = workFolder();
  fakeScenarioFile(dir, TWO, { blocks: 2 });
  const { code, stdout } = await startVlab(['bench', 'fake.yaml', '--json'], dir).ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    partial: false,
    summary: expect.any(Array),
    files: { trials: expect.any(String) },
  });
});

test('--dry-run prints the schedule and leaves nothing', async () => {
  const dir = workFolder();
  fakeScenarioFile(dir, TWO, { blocks: 2 });
  const { code, stdout } = await startVlab(['bench', 'fake.yaml', '--dry-run', '--seed', '1'], dir).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/6 trials, seed 1\n.*warm-up -1 {2}[ab] {2}[ab]\n/);
  expect(readdirSync(dir).sort()).toEqual(['fake.yaml', 'root']);
});

test('a bad file ends with 2 and every error, before anything runs', async () => {
  const dir = workFolder();
  writeFileSync(
    join(dir, 'bad.yaml'),
    'name: x\nblocs: 3\npayload: {rootfs: nowhere, command: [/p]}\narms:\n  - driver: fake\n    options: {medianMS: 1}\n  - driver: contaner\n',
  );
  for (const words of [
    ['bench', 'bad.yaml'],
    ['scenario', 'check', 'bad.yaml'],
  ]) {
    const { code, stderr } = await startVlab(words, dir).ended;
    expect(code).toBe(2);
    expect(stderr.split('\n').filter((line) => line.startsWith('bad.yaml:'))).toEqual([
      'bad.yaml:2:1: unknown key `blocs`; did you mean `blocks`?',
      expect.stringMatching(
        /^bad\.yaml:3:19: `payload\.rootfs` is "nowhere", but .*\/nowhere is no directory; built in: probe$/,
      ),
      'bad.yaml:6:15: unknown key `medianMS`; did you mean `medianMs`?',
      'bad.yaml:7:13: `arms[1].driver` must be one of process, chroot, container, runc, vm, fake, not "contaner"; did you mean container?',
    ]);
  }
  expect(readdirSync(dir).sort()).toEqual(['bad.yaml', 'root']);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s in mid-trial ends the run within 2 s, keeps its rows, and --resume goes on',
  async (signal, exitCode) => {
    const dir = workFolder();
    // With this script trial 5 hangs the first time; the second process counts its starts anew and meets no hang.
    fakeScenarioFile(dir, [{ label: 'a', options: { hang: [6] } }], { blocks: 8, warmup: 0, deadline: '60s' });
    const bench = startVlab(['bench', 'fake.yaml', '--seed', '3'], dir);
    await bench.seen(/trial 1 of 8/);
    await sleep(300);
    const stoppedAt = performance.now();
    bench.child.kill(signal);
    const { code, stdout } = await bench.ended;
    expect(performance.now() - stoppedAt).toBeLessThan(2000);
    expect(code).toBe(exitCode);
    expect(stdout).toMatch(/vlab bench --resume \S+-fake-/);

    const [run = ''] = runs(dir);
    expect(new Set((await readRows(run)).map((row) => row.order))).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(await readManifest(run)).toMatchObject({ partial: true, partialReason: `interrupted by ${signal}` });

    const resumed = await startVlab(['bench', '--resume', 'latest'], dir).ended;
    expect(resumed.code).toBe(0);
    expect(runs(dir)).toEqual([run]);
    expect(await readManifest(run)).toMatchObject({ partial: false });
    expect([...new Set((await readRows(run)).map((row) => row.order))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  },
);

test('killed at any moment, a run loses no row that it had, and --resume ends with the rows of an undisturbed one', async () => {
  const dir = workFolder();
  fakeScenarioFile(dir, TWO, { blocks: 300 });
  const undisturbed = await startVlab(['bench', 'fake.yaml', '--seed', '9', '--results', 'whole'], dir).ended;
  expect(undisturbed.code).toBe(0);
  const [whole = ''] = readdirSync(join(dir, 'whole'));
  const wanted = shape(await readRows(join(dir, 'whole', whole)));

  const bench = startVlab(['bench', 'fake.yaml', '--seed', '9'], dir);
  await bench.seen(/trial 1 of/);
  let run = '';
  for (const delayMs of [0, 20, 55, 90]) {
    await sleep(delayMs);
    const process = delayMs === 0 ? bench : startVlab(['bench', '--resume', run], dir);
    if (delayMs > 0) await Promise.race([process.seen(/trial \d+ of/), process.ended]);
    await sleep(delayMs);
    process.child.kill('SIGKILL');
    await process.ended;
    const [found = ''] = runs(dir);
    run = found;
    const rows = shape(await readRows(run));
    expect(rows).toEqual(wanted.slice(0, rows.length));
  }
  const last = await startVlab(['bench', '--resume', run], dir).ended;
  expect([0, 2]).toContain(last.code); // 2: an earlier round had come to the end
  expect(shape(await readRows(run))).toEqual(wanted);
});

test('under sudo, everything that a run makes belongs to the person who called it', async (context) => {
  needs(context, 'root', isRoot);
  const dir = workFolder();
  fakeScenarioFile(dir, TWO, { blocks: 2 });
  const words = ['bench', 'fake.yaml', '--results', 'out/results', '--reports', 'out/reports'];
  expect((await startVlab(words, dir, { SUDO_UID: '1234', SUDO_GID: '5678' }).ended).code).toBe(0);
  const made = ['.', ...readdirSync(join(dir, 'out'), { recursive: true, encoding: 'utf8' })];
  expect(made.length).toBeGreaterThan(8);
  for (const path of made) {
    const { uid, gid } = lstatSync(join(dir, 'out', path));
    expect([path, uid, gid]).toEqual([path, 1234, 5678]);
  }
});

test('two writers never share a run', async () => {
  const dir = workFolder();
  fakeScenarioFile(dir, [{ label: 'a', options: { hang: [2] } }], { blocks: 3, warmup: 0, deadline: '60s' });
  const first = startVlab(['bench', 'fake.yaml'], dir);
  await first.seen(/trial 1 of 3/);
  const second = await startVlab(['bench', '--resume', 'latest'], dir).ended;
  expect(second.stderr).toContain('is being written by another vlab');
  expect(second.code).toBe(1);
  first.child.kill('SIGINT');
  expect((await first.ended).code).toBe(130);
});

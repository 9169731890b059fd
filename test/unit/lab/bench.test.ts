import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bench, resumeBench } from '../../../src/lab/bench.js';
import { START_METRICS } from '../../../src/lab/row.js';
import { readManifest, readRows } from '../../../src/lab/run-folder.js';
import { schedule } from '../../../src/lab/schedule.js';
import { fakeContext, fakeRequest, fakeScenario, shape } from './fixtures.js';

const TWO = [
  { label: 'a', options: { seed: 1 } },
  { label: 'b', options: { seed: 2, medianMs: 20 } },
];

test('a run leaves every row of its schedule, a summary and a whole manifest', async () => {
  const request = fakeRequest(fakeScenario(TWO));
  const context = fakeContext();
  const { dir, manifest } = await bench(request, context);

  const rows = await readRows(dir);
  const trials = schedule(request.scenario, request.seed);
  expect(rows).toHaveLength(trials.length * START_METRICS.length);
  expect([...new Set(rows.map((row) => row.order))]).toEqual(trials.map((trial) => trial.order));
  expect(rows.filter((row) => row.warmup).every((row) => row.block === -1)).toBe(true);
  expect(readdirSync(dir).sort()).toEqual(['manifest.json', 'scenario.yaml', 'summary.csv', 'trials.csv']);
  expect(readFileSync(join(dir, 'scenario.yaml'), 'utf8')).toBe(request.scenarioText);
  expect(manifest).toEqual(await readManifest(dir));
  expect(manifest).toMatchObject({
    partial: false,
    seed: 7,
    trialsPlanned: trials.length,
    command: 'vlab bench fake.yaml --seed 7',
    arms: [{ label: 'a', driver: 'fake', version: 'scripted' }, { label: 'b' }],
    payload: { programSha256: 'd69ea8cda2433733c1ce02de65da8f48e6a3dbba6bb18876a2062908e54ef7cb' },
  });
  expect(manifest.partialReason).toBeUndefined();
});

test('what the driver says is what the rows say', async () => {
  const made = fakeScenario([{ label: 'a', options: { timesMs: [1, 2, 3] } }], { blocks: 3, warmup: 0 });
  const { dir } = await bench(fakeRequest(made), fakeContext());
  const rows = await readRows(dir);
  // The functional check took the first of the scripted times.
  expect(rows.filter((row) => row.metric === 'ready').map((row) => row.value)).toEqual([2e6, 3e6, 1e6]);
  expect(rows.filter((row) => row.metric === 'clean').map((row) => row.value)).toEqual([2.2e6, 3.3e6, 1.1e6]);
  expect(rows.filter((row) => row.metric === 'netnsDrained').map((row) => row.value)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('each failure is a row with its reason, and the run goes on', async () => {
  const made = fakeScenario(
    [{ label: 'a' }, { label: 'b', deadline: '250ms', options: { fail: [1], crash: [2], hang: [3], linger: [4] } }],
    { blocks: 5, warmup: 0 },
  );
  const { dir, manifest } = await bench(fakeRequest(made), fakeContext());
  const rows = await readRows(dir);
  const bad = rows.filter((row) => row.outcome !== 'ok');
  expect(bad.map(({ arm, block, metric, outcome, reason }) => ({ arm, block, metric, outcome, reason }))).toEqual([
    { arm: 'b', block: 0, metric: 'start', outcome: 'failed', reason: 'start 1 was scripted to fail' },
    { arm: 'b', block: 1, metric: 'start', outcome: 'failed', reason: 'the program ended with 1, not 0' },
    { arm: 'b', block: 2, metric: 'start', outcome: 'timeout', reason: 'not finished after 250 ms' },
    { arm: 'b', block: 3, metric: 'start', outcome: 'timeout', reason: 'not finished after 250 ms' },
  ]);
  expect(rows.filter((row) => row.metric === 'ready' && row.outcome === 'ok')).toHaveLength(6);
  expect(manifest.partial).toBe(false);
});

test('an arm whose program did not really run is left out with one row, before anything is timed', async () => {
  const made = fakeScenario([
    { label: 'good' },
    { label: 'silent', options: { stdout: '' } },
    { label: 'wrong', options: { exit: 3 } },
    { label: 'absent', options: { unsupported: 'nothing here to run it' } },
  ]);
  const context = fakeContext();
  const { dir, manifest } = await bench(fakeRequest(made), context);
  const rows = await readRows(dir);
  expect(
    rows.filter((row) => row.outcome !== 'ok').map(({ arm, outcome, reason }) => ({ arm, outcome, reason })),
  ).toEqual([
    { arm: 'silent', outcome: 'failed', reason: 'the functional check failed: the program said "", not "hello\\n"' },
    { arm: 'wrong', outcome: 'failed', reason: 'the functional check failed: the program ended with 3, not 0' },
    { arm: 'absent', outcome: 'skipped', reason: 'nothing here to run it' },
  ]);
  expect(manifest.arms.map((arm) => [arm.label, arm.excluded !== undefined])).toEqual([
    ['good', false],
    ['silent', true],
    ['wrong', true],
    ['absent', true],
  ]);
  expect(manifest.partial).toBe(false);
  expect(context.events.filter((event) => event.kind === 'arm-excluded').map((event) => event.arm)).toEqual([
    'silent',
    'wrong',
    'absent',
  ]);
});

test('when no arm can run, that is the error, and no run is left behind', async () => {
  const request = fakeRequest(fakeScenario([{ label: 'a', options: { unsupported: 'no luck' } }]));
  await expect(bench(request, fakeContext())).rejects.toMatchObject({
    blame: 'host',
    message: expect.stringContaining('a: no luck'),
  });
  expect(readdirSync(request.resultsDir)).toEqual([]);
});

test('a driver that ignores its cancellation is given up: its trials are rows, and the others go on', async () => {
  const made = fakeScenario([{ label: 'a' }, { label: 'b', deadline: '250ms', options: { deaf: [2] } }], {
    blocks: 4,
    warmup: 0,
  });
  const { dir, manifest } = await bench(fakeRequest(made), fakeContext());
  const rows = await readRows(dir);
  expect(
    rows.filter((row) => row.arm === 'b' && row.outcome !== 'ok').map(({ block, outcome }) => [block, outcome]),
  ).toEqual([
    [1, 'timeout'],
    [2, 'skipped'],
    [3, 'skipped'],
  ]);
  expect(rows.filter((row) => row.arm === 'a' && row.metric === 'ready')).toHaveLength(4);
  expect(manifest.remarks).toEqual([expect.stringMatching(/^b was given up after trial \d+/)]);
});

test('a run that is interrupted keeps its rows, says so, and ends with the same rows after --resume', async () => {
  const made = fakeScenario(TWO);
  const whole = await bench(fakeRequest(made), fakeContext());
  const wanted = shape(await readRows(whole.dir));

  const planned = whole.manifest.trialsPlanned;
  for (let stopAt = 0; stopAt < planned; stopAt++) {
    const request = fakeRequest(made);
    const context = fakeContext((event, stop) => {
      if (event.kind === 'trial-ended' && event.trial.order === stopAt) stop(new Error('interrupted by SIGINT'));
    });
    const first = await bench(request, context);
    const before = await readRows(first.dir);
    expect(shape(before)).toEqual(wanted.slice(0, (stopAt + 1) * START_METRICS.length));
    if (stopAt === planned - 1) {
      expect(first.manifest.partial).toBe(false);
      continue;
    }
    expect(first.manifest).toMatchObject({ partial: true, partialReason: 'interrupted by SIGINT' });

    const second = await resumeBench(request.resultsDir, 'latest', fakeContext());
    const after = await readRows(first.dir);
    expect(shape(after)).toEqual(wanted);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(second.manifest).toMatchObject({ partial: false, run: first.manifest.run, seed: first.manifest.seed });
    expect(second.manifest.resumedAt).toHaveLength(1);
    await expect(resumeBench(request.resultsDir, 'latest', fakeContext())).rejects.toMatchObject({ blame: 'input' });
  }
});

test('a trial in mid-start when the person stops the run has no row, and is run on --resume', async () => {
  const made = fakeScenario([{ label: 'a', options: { hang: [3] } }], { blocks: 4, warmup: 0 });
  const request = fakeRequest(made);
  const context = fakeContext((event, stop) => {
    if (event.kind === 'trial-starting' && event.trial.order === 2)
      setTimeout(() => stop(new Error('interrupted by SIGINT')), 5);
  });
  const startedAt = performance.now();
  const { dir, manifest } = await bench(request, context);
  expect(performance.now() - startedAt).toBeLessThan(2000);
  expect(manifest.partial).toBe(true);
  expect(new Set((await readRows(dir)).map((row) => row.order))).toEqual(new Set([0, 1]));
  expect(context.events.at(-2)).toMatchObject({ kind: 'trial-ended', outcome: 'cancelled' });
  await resumeBench(request.resultsDir, manifest.run.slice(-4), fakeContext());
  expect(new Set((await readRows(dir)).map((row) => row.order))).toEqual(new Set([0, 1, 2, 3]));
});

test('a run interrupted while its arms are prepared leaves nothing', async () => {
  const request = fakeRequest(fakeScenario([{ label: 'a', options: { hang: [0] } }]));
  const context = fakeContext((event, stop) => {
    if (event.kind === 'arm-preparing') setTimeout(() => stop(new Error('interrupted by SIGINT')), 20);
  });
  await expect(bench(request, context)).rejects.toThrow('interrupted by SIGINT');
  expect(readdirSync(request.resultsDir)).toEqual([]);
});

test('what changed between the two halves of a run is a remark', async () => {
  const request = fakeRequest(fakeScenario(TWO));
  const first = fakeContext((event, stop) => {
    if (event.kind === 'trial-ended') stop(new Error('interrupted by SIGINT'));
  });
  await bench(request, first);
  const second = {
    ...fakeContext(),
    surroundings: async () => ({ ...(await first.surroundings()), versions: { vlab: '1' } }),
  };
  const { manifest } = await resumeBench(request.resultsDir, 'latest', second);
  expect(manifest.remarks).toEqual(['the version of vlab was 0 at first, and is 1 since it went on']);
});

test('--resume refuses a root file system that has changed since', async () => {
  const request = fakeRequest(fakeScenario(TWO));
  const context = fakeContext((event, stop) => {
    if (event.kind === 'trial-ended') stop(new Error('interrupted by SIGINT'));
  });
  const { dir } = await bench(request, context);
  writeFileSync(join(request.baseDir, 'root', 'program'), 'another program');
  await expect(resumeBench(request.resultsDir, 'latest', fakeContext())).rejects.toThrow(/has changed since/);
  expect(existsSync(join(dir, 'summary.csv'))).toBe(true);
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Checkpoints, Job, Prepared } from '../../../src/drivers/driver.js';
import { driver } from '../../../src/drivers/fake.js';
import { temporaryDir } from '../lab/fixtures.js';

function job(options: Record<string, unknown>, more: Partial<Job> = {}): Job {
  return {
    rootfs: '/',
    command: ['/p'],
    env: {},
    limits: {},
    ready: 'first-byte',
    scratchDir: temporaryDir(),
    options,
    ...more,
  };
}

const never = new AbortController().signal;

async function readyTimes(prepared: Prepared, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let start = 0; start < count; start++) {
    const { checkpoints } = await prepared.start(never);
    times.push(Number((checkpoints.ready as bigint) - (checkpoints.requested as bigint)) / 1e6);
  }
  return times;
}

test('a script is played in order, again from the front', async () => {
  await using prepared = await driver.prepare(job({ timesMs: [3, 1, 2] }));
  expect(await readyTimes(prepared, 5)).toEqual([3, 1, 2, 3, 1]);
});

test('the distribution is the seed’s: equal for equal seeds, of the median and spread that were asked for', async () => {
  const times = await readyTimes(await driver.prepare(job({ seed: 5, medianMs: 20, spread: 0.2 })), 4000);
  const again = await readyTimes(await driver.prepare(job({ seed: 5, medianMs: 20, spread: 0.2 })), 4000);
  const other = await readyTimes(await driver.prepare(job({ seed: 6, medianMs: 20, spread: 0.2 })), 4000);
  expect(again).toEqual(times);
  expect(other).not.toEqual(times);
  const logs = times.map((ms) => Math.log(ms / 20));
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length);
  // Five standard errors of a mean and of a standard deviation over 4000 draws.
  expect(Math.abs(mean)).toBeLessThan(0.016);
  expect(Math.abs(deviation - 0.2)).toBeLessThan(0.012);
});

test('failures do not change the times of the others', async () => {
  const good = await readyTimes(await driver.prepare(job({ seed: 1 })), 3);
  const prepared = await driver.prepare(job({ seed: 1, fail: [1] }));
  expect(await readyTimes(prepared, 1)).toEqual([good[0]]);
  await expect(prepared.start(never)).rejects.toThrow('start 1 was scripted to fail');
  expect(await readyTimes(prepared, 1)).toEqual([good[2]]);
});

test('checkpoints come in their order, and starts do not overlap', async () => {
  const order: (keyof Checkpoints)[] = [
    'requested',
    'spawned',
    'rooted',
    'exec',
    'firstByte',
    'ready',
    'exited',
    'clean',
  ];
  for (const ready of ['first-byte', 'exit'] as const) {
    await using prepared = await driver.prepare(job({}, { ready }));
    let last = 0n;
    for (let start = 0; start < 3; start++) {
      const { checkpoints } = await prepared.start(never);
      for (const name of order) {
        expect(checkpoints[name]).toBeGreaterThanOrEqual(last);
        last = checkpoints[name] as bigint;
      }
      expect(checkpoints.netnsDrained).toBeUndefined();
    }
  }
});

test('a crash says nothing and ends with 1; a program that lingers ends when it is killed', async () => {
  await using prepared = await driver.prepare(job({ crash: [0], linger: [1] }));
  const crashed = await prepared.start(never);
  expect(await crashed.wait()).toEqual({ code: 1 });
  expect(crashed.checkpoints.ready).toBeUndefined();
  expect(readFileSync(crashed.stdoutPath, 'utf8')).toBe('');

  const lingering = await prepared.start(never);
  expect(readFileSync(lingering.stdoutPath, 'utf8')).toBe('hello\n');
  await lingering.kill(15);
  expect(await lingering.wait()).toEqual({ signal: 15 });
});

test('a start that hangs ends with the reason of its cancellation', async () => {
  await using prepared = await driver.prepare(job({ hang: [0] }));
  const controller = new AbortController();
  const starting = prepared.start(controller.signal);
  controller.abort(new Error('enough'));
  await expect(starting).rejects.toThrow('enough');
  await expect(prepared.start(controller.signal)).rejects.toThrow('enough');
});

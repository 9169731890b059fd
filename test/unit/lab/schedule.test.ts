import fc from 'fast-check';
import { expect, test } from 'vitest';
import { schedule, scheduleText, select } from '../../../src/lab/schedule.js';
import { fakeScenario } from './fixtures.js';

const arms = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 })
  .map((everies) => everies.map((every, index) => ({ label: `arm${index}`, every: index === 0 ? 1 : every })));
const sizes = fc.record({
  blocks: fc.integer({ min: 1, max: 40 }),
  warmup: fc.integer({ min: 0, max: 3 }),
  seed: fc.maxSafeNat(),
});

test('the order of a seed stays what it is', async () => {
  const { scenario } = fakeScenario(
    [{ label: 'process' }, { label: 'container' }, { label: 'runc' }, { label: 'vm', every: 4 }],
    {
      blocks: 9,
      warmup: 2,
    },
  );
  await expect(`${scheduleText(schedule(scenario, 20261124))}\n`).toMatchFileSnapshot('golden/schedule.txt');
});

test('each block holds each arm of its turn exactly once, warm-ups first, and orders count up', () => {
  fc.assert(
    fc.property(arms, sizes, (given, { blocks, warmup, seed }) => {
      const trials = schedule(fakeScenario(given, { blocks, warmup }).scenario, seed);
      expect(trials.map((trial) => trial.order)).toEqual(trials.map((_, index) => index));
      expect(trials.map((trial) => trial.block)).toEqual(trials.map((trial) => trial.block).sort((a, b) => a - b));
      for (let block = -warmup; block < blocks; block++) {
        const turn = block < 0 ? -1 - block : block;
        const there = trials.filter((trial) => trial.block === block);
        expect(there.map((trial) => trial.arm).sort()).toEqual(
          given.filter((arm) => turn % arm.every === 0).map((arm) => arm.label),
        );
        expect(there.every((trial) => trial.warmup === block < 0)).toBe(true);
      }
    }),
    { numRuns: 30 },
  );
});

test('one warm-up block is enough for every arm, however rarely it runs', () => {
  fc.assert(
    fc.property(arms, fc.maxSafeNat(), (given, seed) => {
      const trials = schedule(fakeScenario(given, { blocks: 1, warmup: 1 }).scenario, seed);
      expect(trials.filter((trial) => trial.warmup)).toHaveLength(given.length);
    }),
    { numRuns: 30 },
  );
});

test('more blocks do not change the earlier ones', () => {
  fc.assert(
    fc.property(arms, sizes, fc.integer({ min: 1, max: 20 }), (given, { blocks, warmup, seed }, more) => {
      const short = schedule(fakeScenario(given, { blocks, warmup }).scenario, seed);
      const long = schedule(fakeScenario(given, { blocks: blocks + more, warmup }).scenario, seed);
      expect(long.slice(0, short.length)).toEqual(short);
    }),
    { numRuns: 30 },
  );
});

test('over many blocks each arm comes at each place about equally often', () => {
  const labels = ['a', 'b', 'c', 'd'];
  const blocks = 4000;
  const trials = schedule(
    fakeScenario(
      labels.map((label) => ({ label })),
      { blocks, warmup: 0 },
    ).scenario,
    1,
  );
  const places = new Map<string, number>();
  for (const { arm, order } of trials) places.set(`${arm}${order % 4}`, (places.get(`${arm}${order % 4}`) ?? 0) + 1);
  // Each of the 16 counts is binomial with n = 4000, p = 1/4: five standard deviations are 137.
  for (const label of labels) {
    for (let place = 0; place < 4; place++)
      expect(Math.abs((places.get(`${label}${place}`) ?? 0) - blocks / 4)).toBeLessThan(137);
  }
});

test('another seed gives another order', () => {
  const { scenario } = fakeScenario([{ label: 'a' }, { label: 'b' }, { label: 'c' }], { blocks: 20 });
  expect(scheduleText(schedule(scenario, 1))).not.toBe(scheduleText(schedule(scenario, 2)));
});

test('--only and --runs select; the first whole arm becomes the baseline when the old one is gone', () => {
  const { scenario } = fakeScenario([{ label: 'process' }, { label: 'vm', every: 4 }, { label: 'runc' }]);
  const chosen = select(scenario, { only: ['vm', 'runc'], runs: 8 });
  expect(chosen.arms.map((arm) => arm.label)).toEqual(['vm', 'runc']);
  expect(chosen.baseline).toBe('runc');
  expect(chosen.blocks).toBe(8);
  expect(() => select(scenario, { only: ['rumc'] })).toThrowError(/no arm `rumc`/);
});

test('a schedule that nobody would wait for is refused', () => {
  const { scenario } = fakeScenario(
    Array.from({ length: 12 }, (_, index) => ({ label: `a${index}` })),
    { blocks: 100_000 },
  );
  expect(() => schedule(scenario, 1)).toThrowError(/more than 1000000 trials/);
});

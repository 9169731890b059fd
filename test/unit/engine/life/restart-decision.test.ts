import { describe, expect, it } from 'vitest';
import { type Ended, restartDelay, startsAfterBoot } from '../../../../src/engine/life/restart-decision.js';

const ended = (name: Ended['policy']['name'], more: Partial<Ended> = {}, maximumRetryCount = 0): Ended => ({
  policy: { name, maximumRetryCount },
  exitCode: 1,
  restartCount: 0,
  stopAsked: false,
  ranMs: 50,
  lastDelayMs: undefined,
  ...more,
});

describe('a container that has ended', () => {
  it('is not started again without a policy', () => expect(restartDelay(ended('no'))).toBeUndefined());

  it('is started again always, however it ended, but not against the will of who stopped it', () => {
    for (const name of ['always', 'unless-stopped'] as const) {
      expect(restartDelay(ended(name))).toBe(100);
      expect(restartDelay(ended(name, { exitCode: 0 }))).toBe(100);
      expect(restartDelay(ended(name, { stopAsked: true }))).toBeUndefined();
    }
  });

  it('on failure only, and only so often', () => {
    expect(restartDelay(ended('on-failure', { exitCode: 0 }))).toBeUndefined();
    expect(restartDelay(ended('on-failure', { restartCount: 1000 }))).toBe(100);
    expect(restartDelay(ended('on-failure', { restartCount: 2 }, 3))).toBe(100);
    expect(restartDelay(ended('on-failure', { restartCount: 3 }, 3))).toBeUndefined();
  });

  it('waits twice as long each time, a minute at most, and begins anew when it ran for 10 s', () => {
    const waits: number[] = [];
    for (let lastDelayMs: number | undefined; waits.length < 12; waits.push(lastDelayMs ?? 0))
      lastDelayMs = restartDelay(ended('always', { lastDelayMs }));
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
    expect(restartDelay(ended('always', { lastDelayMs: 60_000, ranMs: 10_000 }))).toBe(100);
    expect(restartDelay(ended('always', { lastDelayMs: 400, ranMs: 9_999 }))).toBe(800);
  });
});

it('after a boot, `always` starts what was stopped too; what never ran stays so', () => {
  const starts = (name: Ended['policy']['name'], stopAsked: boolean, ran = true) =>
    startsAfterBoot({ name, maximumRetryCount: 0 }, { ran, stopAsked });
  expect([starts('always', true), starts('always', false), starts('always', false, false)]).toEqual([
    true,
    true,
    false,
  ]);
  expect([starts('unless-stopped', true), starts('unless-stopped', false)]).toEqual([false, true]);
  expect([starts('on-failure', false), starts('no', false)]).toEqual([false, false]);
});

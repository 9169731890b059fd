import { describe, expect, it } from 'vitest';
import { readStampedSteps, withStamps } from '../../../bench/timed-steps.js';
import { checkPlan, label, type Plan, PlanBuilder } from '../../../src/sys/plan.js';

function example(): Plan {
  const b = new PlanBuilder('x86_64');
  const end = label('end');
  b.step('getpid', [], 'first', { jump: end, jumpOn: 'zero' });
  b.step('umask', [b.word('mask')], 'second');
  b.place(end);
  b.step('setsid', [], 'third', { result: b.word('session') });
  return b.build();
}

describe('a plan with stamps', () => {
  const plan = example();
  const stamped = withStamps(plan);

  it('takes the time before the first step and behind each', () => {
    const T = 'clock_gettime';
    expect(stamped.steps.map(({ call }) => call)).toEqual([T, 'getpid', T, 'umask', T, 'setsid', T]);
    expect(() => checkPlan(stamped)).not.toThrow();
  });

  it('jumps to the same steps, past the stamp that belongs to the one before', () => {
    expect(stamped.steps[1]?.jump).toMatchObject({ name: 'end', index: 5 });
    expect(plan.steps[0]?.jump?.index).toBe(2);
  });

  it('keeps the stamps behind the image, as its reply', () => {
    expect(stamped.reply).toEqual({ offset: plan.imageBytes, bytes: 4 * 16 });
    expect(stamped.imageBytes).toBe(plan.imageBytes + 4 * 16);
    const ends = stamped.steps.filter(({ call }) => call === 'clock_gettime').map(({ args }) => args[1]);
    expect(ends).toMatchObject([0, 16, 32, 48].map((at) => ({ kind: 'addr', offset: plan.imageBytes + at })));
  });

  it('is refused when the stamps are more than a reply holds', () => {
    const many = { ...plan, steps: Array.from({ length: 4096 }, () => plan.steps[1] as Plan['steps'][number]) };
    expect(() => withStamps(many)).toThrow(RangeError);
  });
});

describe('stamps read back', () => {
  it('are differences in ns; a step without a stamp before or behind it has none', () => {
    const reply = Buffer.alloc(5 * 16);
    [
      [1n, 999_999_990n],
      [2n, 10n],
      [0n, 0n],
      [2n, 500n],
      [2n, 700n],
    ].forEach(([seconds = 0n, ns = 0n], index) => {
      reply.writeBigInt64LE(seconds, index * 16);
      reply.writeBigInt64LE(ns, index * 16 + 8);
    });
    expect(readStampedSteps(reply)).toEqual([20, undefined, undefined, 200]);
  });
});

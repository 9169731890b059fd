import { describe, expect, it } from 'vitest';
import { COMPARISONS, METRIC_WORDS } from '../../../bench/comparisons.js';
import { compare, figuresOf, type Trial, valuesOf } from '../../../bench/measured.js';

/** Ten blocks; `slow` takes exactly twice as long as `quick`, which itself drifts; `rare` is in every fifth block. */
const trials: Trial[] = Array.from({ length: 10 }, (_, block) => [
  { block, arm: 'quick', times: { exec: (1 + block) * 1e6, exit: (2 + block) * 1e6 } },
  { block, arm: 'slow', times: { exec: (1 + block) * 2e6 } },
  ...(block % 5 === 0 ? [{ block, arm: 'rare', times: { exec: (1 + block) * 3e6 } }] : []),
]).flat();

const of = (arm: string, metric: 'exec' | 'exit' = 'exec') => ({ arm, metric });

describe('measured starts', () => {
  it('are milliseconds by block', () => {
    expect([...valuesOf(trials, of('rare'))]).toEqual([
      [0, 3],
      [5, 18],
    ]);
  });

  it('are summarised by arm and metric, where they were measured', () => {
    const figures = figuresOf(trials, ['quick', 'slow', 'absent'], ['exec', 'exit']);
    expect(figures.map(({ arm, metric, summary }) => [arm, metric, summary.n, summary.median])).toEqual([
      ['quick', 'exec', 10, 5.5],
      ['quick', 'exit', 10, 6.5],
      ['slow', 'exec', 10, 11],
    ]);
  });

  it('are compared inside blocks, so that a drift is no difference', () => {
    const [compared] = compare(trials, [{ of: of('slow'), to: of('quick'), atMost: 2.5 }], 1);
    expect(compared?.ratio).toMatchObject({ blocks: 10, verdict: 'distinguishable' });
    for (const figure of [compared?.ratio.ratio, compared?.ratio.low, compared?.ratio.high])
      expect(figure).toBeCloseTo(2, 9);
  });

  it('are compared over the blocks that both have, and left out when there are none', () => {
    const compared = compare(
      trials,
      [
        { of: of('rare'), to: of('quick') },
        { of: of('absent'), to: of('quick') },
      ],
      1,
    );
    expect(compared).toHaveLength(1);
    expect(compared[0]?.ratio).toMatchObject({ blocks: 2, verdict: 'too few blocks' });
  });

  it.each([
    [2.01, true],
    [1.99, false],
    [undefined, undefined],
  ])('keep a promise of at most %s: %s', (atMost, kept) => {
    const [compared] = compare(trials, [{ of: of('slow'), to: of('quick'), ...(atMost ? { atMost } : {}) }], 1);
    expect(compared?.kept).toBe(kept);
  });
});

describe('the comparisons of npm run bench', () => {
  it('hold each promise of a start', () => {
    const promises = COMPARISONS.filter(({ atMost }) => atMost !== undefined);
    expect(promises.map(({ of, to, atMost }) => `${of.arm} ${of.metric} ≤ ${atMost} ${to.arm} ${to.metric}`)).toEqual([
      'launcher exec ≤ 1.5 floor exec',
      'launcher ready ≤ 0.25 crun ready',
      'launcher ready ≤ 0.1 runc ready',
      'vlab-oci whole ≤ 1 crun whole',
      'vlab-oci whole ≤ 0.25 runc whole',
      'vlab-oci-cold whole ≤ 1.6 node whole',
      'vlab-help whole ≤ 2.8 node whole',
      'vlab-run whole ≤ 3.2 node whole',
      'vm ready ≤ 1.15 qemu ready',
    ]);
  });

  it('use metrics that have words', () => {
    for (const { of, to } of COMPARISONS)
      expect([METRIC_WORDS[of.metric], METRIC_WORDS[to.metric]]).not.toContain(undefined);
  });
});

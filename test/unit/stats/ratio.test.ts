/** Intervals that are right: not too many false alarms, and the truth inside. Everything is seeded, nothing can flake. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../../src/stats/random.js';
import { pairedRatio, type Ratio, unpairedRatio } from '../../../src/stats/ratio.js';
import { NOISES, type Noise, simulateArms } from '../../fixtures/statistics/noise.js';

const RUNS = 500;
const usual = NOISES.find(({ name }) => name === 'usual') as Noise;

type Analyse = (arm: number[], baseline: number[], random: Random) => Ratio;

/** Share of runs, in percent, of which `happens` is true. */
function share(options: {
  noise: Noise;
  blocks: number;
  effect?: number;
  seed?: number;
  analyse?: Analyse;
  happens: (ratio: Ratio) => boolean;
}): number {
  const { noise, blocks, effect = 1, seed = 1, analyse = pairedRatio, happens } = options;
  const random = seededRandom(seed, `${noise.name} ${blocks}`);
  let count = 0;
  for (let run = 0; run < RUNS; run++) {
    const { arm, baseline } = simulateArms(noise, blocks, random, effect);
    if (happens(analyse(arm, baseline, random))) count++;
  }
  return (100 * count) / RUNS;
}

const alarms = ({ verdict }: Ratio): boolean => verdict === 'distinguishable';
const holds =
  (truth: number) =>
  ({ low = 0, high = 0 }: Ratio): boolean =>
    low <= truth && truth <= high;

describe('pairedRatio over 500 A/A runs', () => {
  it.each(NOISES.flatMap((noise) => [5, 10, 20].map((blocks) => [noise.name, blocks, noise] as const)))(
    'raises 3 to 8 %% false alarms: %s noise, %i blocks',
    (_, blocks, noise) => {
      const percent = share({ noise, blocks, happens: alarms });
      expect(percent).toBeGreaterThanOrEqual(3);
      expect(percent).toBeLessThanOrEqual(8);
    },
  );

  it('catches the flaw of measuring one arm after the other: drift then looks like a difference', () => {
    const oneAfterTheOther: Analyse = (arm, baseline, random) =>
      unpairedRatio(arm.slice(arm.length / 2), baseline.slice(0, baseline.length / 2), random);
    expect(share({ noise: usual, blocks: 40, analyse: oneAfterTheOther, happens: alarms })).toBeGreaterThan(40);
    expect(share({ noise: usual, blocks: 40, happens: alarms })).toBeLessThanOrEqual(8);
  });
});

describe('pairedRatio with a planted 20 %', () => {
  it.each(NOISES.map((noise) => [noise.name, noise] as const))(
    'holds the truth in about 95 %% of runs: %s noise',
    (_, noise) => {
      const percent = share({ noise, blocks: 20, effect: 1.2, happens: holds(1.2) });
      expect(percent).toBeGreaterThanOrEqual(92);
      expect(percent).toBeLessThanOrEqual(97);
    },
  );

  it('finds it in nearly every run of a quiet machine', () => {
    const quiet = NOISES.find(({ name }) => name === 'quiet') as Noise;
    expect(share({ noise: quiet, blocks: 20, effect: 1.2, happens: alarms })).toBeGreaterThan(99);
  });
});

describe('unpairedRatio over 500 pairs of equal runs', () => {
  it.each([5, 10, 20])('raises no more than 7 %% false alarms: %i blocks', (blocks) => {
    const steady: Noise = { ...usual, block: () => ({ drift: 1, unrest: 1 }) };
    const percent = share({ noise: steady, blocks, analyse: unpairedRatio, happens: alarms });
    expect(percent).toBeGreaterThanOrEqual(1);
    expect(percent).toBeLessThanOrEqual(7);
  });
});

describe('pairedRatio', () => {
  const times = fc.array(
    fc.tuple(fc.double({ min: 1, max: 1e6, noNaN: true }), fc.double({ min: 1, max: 1e6, noNaN: true })),
    {
      minLength: 5,
      maxLength: 40,
    },
  );

  it('says one over the ratio when the arms change places', () => {
    fc.assert(
      fc.property(times, (pairs) => {
        const arm = pairs.map(([time]) => time);
        const baseline = pairs.map(([, time]) => time);
        const there = pairedRatio(arm, baseline, seededRandom(1));
        const back = pairedRatio(baseline, arm, seededRandom(1));
        expect((there.ratio as number) * (back.ratio as number)).toBeCloseTo(1, 6);
        // All subsets are taken up to ten blocks, so that the interval turns over exactly.
        if (pairs.length <= 10) expect((there.low as number) * (back.high as number)).toBeCloseTo(1, 6);
      }),
    );
  });

  it('does not depend on units, and holds its own estimate', () => {
    fc.assert(
      fc.property(times, fc.double({ min: 0.001, max: 1000, noNaN: true }), (pairs, unit) => {
        const arm = pairs.map(([time]) => time);
        const baseline = pairs.map(([, time]) => time);
        const plain = pairedRatio(arm, baseline, seededRandom(1));
        const scaled = pairedRatio(
          arm.map((time) => time * unit),
          baseline.map((time) => time * unit),
          seededRandom(1),
        );
        for (const key of ['ratio', 'low', 'high'] as const) {
          expect((scaled[key] as number) / (plain[key] as number)).toBeCloseTo(1, 6);
        }
        expect(plain.low as number).toBeLessThanOrEqual((plain.ratio as number) * (1 + 1e-9));
        expect(plain.high as number).toBeGreaterThanOrEqual((plain.ratio as number) * (1 - 1e-9));
      }),
    );
  });

  it('gives the same interval for the same seed', () => {
    const { arm, baseline } = simulateArms(usual, 30, seededRandom(5));
    expect(pairedRatio(arm, baseline, seededRandom(6))).toEqual(pairedRatio(arm, baseline, seededRandom(6)));
  });

  it('has no interval below five blocks', () => {
    expect(pairedRatio([2, 4, 6, 8], [1, 2, 3, 4], seededRandom(1))).toEqual({
      blocks: 4,
      ratio: 2,
      verdict: 'too few blocks',
    });
    expect(pairedRatio([], [], seededRandom(1))).toEqual({ blocks: 0, verdict: 'too few blocks' });
  });

  it('calls equal values not distinguishable', () => {
    expect(pairedRatio([3, 3, 3, 3, 3, 3], [3, 3, 3, 3, 3, 3], seededRandom(1))).toEqual({
      blocks: 6,
      ratio: 1,
      low: 1,
      high: 1,
      verdict: 'not distinguishable',
    });
  });
});

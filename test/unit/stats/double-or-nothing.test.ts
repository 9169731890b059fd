import fc from 'fast-check';
import { medianSorted } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { everySubsetMedian, randomSubsetMedians, typicalValueInterval } from '../../../src/stats/double-or-nothing.js';
import { seededRandom, xoshiro128 } from '../../../src/stats/random.js';

const sortedValues = (most: number) =>
  fc
    .array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: most })
    .map((list) => Float64Array.from(list).sort());

/** The slow and obvious way: pick by bit, then take the median. */
function mediansByHand(sorted: Float64Array): number[] {
  const medians: number[] = [];
  for (let mask = 1; mask < 2 ** sorted.length; mask++) {
    medians.push(medianSorted([...sorted].filter((_, index) => mask & (1 << index))));
  }
  return medians.sort((a, b) => a - b);
}

describe('everySubsetMedian', () => {
  it('takes the median of each subset', () => {
    fc.assert(
      fc.property(sortedValues(8), (sorted) => {
        const medians = [...everySubsetMedian(sorted)];
        const byHand = mediansByHand(sorted);
        expect(medians).toHaveLength(byHand.length);
        for (const [index, median] of medians.entries()) expect(median).toBeCloseTo(byHand[index] as number, 9);
      }),
      { numRuns: 40 },
    );
  });
});

describe('randomSubsetMedians', () => {
  it('draws the subsets that the bits of the generator say', () => {
    fc.assert(
      fc.property(sortedValues(100), fc.nat(), (sorted, seed) => {
        const state = [seed | 1, 2, 3, 4] as const;
        const medians = randomSubsetMedians(sorted, 20, xoshiro128(...state));
        const again = xoshiro128(...state);
        for (const median of medians) {
          let chosen: number[] = [];
          while (chosen.length === 0) {
            const words = Array.from({ length: Math.ceil(sorted.length / 32) }, () => again.uint32());
            chosen = [...sorted].filter((_, index) => ((words[index >> 5] as number) >>> (index & 31)) & 1);
          }
          expect(median).toBeCloseTo(medianSorted(chosen), 9);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is fast: 100 arms of 10,000 values in seconds', () => {
    const random = seededRandom(1);
    const sorted = Float64Array.from({ length: 10_000 }, () => random.unit()).sort();
    const began = performance.now();
    for (let arm = 0; arm < 10; arm++) randomSubsetMedians(sorted, 1999, random);
    expect(performance.now() - began).toBeLessThan(1500);
  });
});

describe('typicalValueInterval', () => {
  it('is the whole range of five blocks', () => {
    const medians = everySubsetMedian(Float64Array.of(1, 2, 3, 4, 5));
    expect(typicalValueInterval(medians, 0.95)).toEqual({ low: 1, high: 5 });
  });

  it('leaves 2.5 % outside on each side where there are enough', () => {
    expect(
      typicalValueInterval(
        Float64Array.from({ length: 1999 }, (_, index) => index + 1),
        0.95,
      ),
    ).toEqual({ low: 50, high: 1950 });
  });
});

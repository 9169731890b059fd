import fc from 'fast-check';
import { medianSorted } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { allowsQuantile, quantile } from '../../../src/stats/quantile.js';
import { summariseSamples } from '../../../src/stats/sample-summary.js';

const values = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 60 });

describe('quantile', () => {
  it('is definition 7: what R, NumPy and PERCENTILE.INC give', () => {
    // R: quantile(c(1, 2, 4, 8), c(0, .25, .5, .75, 1, .9)); numpy.quantile gives the same.
    const sorted = [1, 2, 4, 8];
    expect([0, 0.25, 0.5, 0.75, 1].map((p) => quantile(sorted, p))).toEqual([1, 1.75, 3, 5, 8]);
    expect(quantile(sorted, 0.9)).toBeCloseTo(6.8, 12);
  });

  it('agrees with simple-statistics on the median', () => {
    fc.assert(
      fc.property(values, (list) => {
        const sorted = Float64Array.from(list).sort();
        expect(quantile(sorted, 0.5)).toBeCloseTo(medianSorted([...sorted]), 3);
      }),
    );
  });

  it('rises with p and stays inside the data', () => {
    fc.assert(
      fc.property(
        values,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, a, b) => {
          const sorted = Float64Array.from(list).sort();
          const low = quantile(sorted, Math.min(a, b));
          const high = quantile(sorted, Math.max(a, b));
          const slack = 1e-6;
          return (
            low <= high + slack && low >= (sorted[0] as number) - slack && high <= (sorted.at(-1) as number) + slack
          );
        },
      ),
    );
  });
});

describe('allowsQuantile', () => {
  it('asks for five observations beyond the quantile', () => {
    expect([99, 100].map((n) => allowsQuantile(n, 0.95))).toEqual([false, true]);
    expect([499, 500].map((n) => allowsQuantile(n, 0.99))).toEqual([false, true]);
  });
});

describe('summariseSamples', () => {
  it('has no p95 and no p99 where they would be an accident', () => {
    const numbers = (n: number): number[] => Array.from({ length: n }, (_, index) => index);
    expect(summariseSamples(numbers(20))).toEqual({
      n: 20,
      median: 9.5,
      min: 0,
      max: 19,
      q1: 4.75,
      q3: 14.25,
      iqr: 9.5,
    });
    expect(summariseSamples(numbers(101))).toMatchObject({ p95: 95 });
    expect(summariseSamples(numbers(101))).not.toHaveProperty('p99');
    expect(summariseSamples(numbers(501))).toMatchObject({ p95: 475, p99: 495 });
  });

  it('gives nothing for nothing', () => {
    expect(summariseSamples([])).toBeUndefined();
  });

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(values, (list) => {
        expect(summariseSamples([...list].reverse())).toEqual(summariseSamples(list));
      }),
    );
  });
});

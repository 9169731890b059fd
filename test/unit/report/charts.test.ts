import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distributionChart, dotsOf, MOST_DOTS } from '../../../src/report/charts/distribution.js';
import { ratioForest } from '../../../src/report/charts/ratio-forest.js';
import { type Drawing, renderSvg } from '../../../src/report/charts/render-svg.js';
import { axisLimits, needsLog } from '../../../src/report/charts/rows-layout.js';
import { stackedCheckpoints } from '../../../src/report/charts/stacked-checkpoints.js';

/** Whole nanoseconds, in ms. */
const time = fc.integer({ min: 0, max: 1e13 }).map((ns) => ns / 1e6);

/** Draws, and looks for what an arithmetic slip leaves behind. */
function drawn(drawing: Drawing): string {
  const svg = renderSvg(drawing, 'a chart');
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect(svg).toContain(`viewBox="0 0 ${drawing.width} ${drawing.height}"`);
  return svg;
}

const texts = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text as string);
const circles = (svg: string): number => svg.match(/<circle /g)?.length ?? 0;

describe('charts', () => {
  it('draw any times', () => {
    fc.assert(
      fc.property(fc.array(fc.array(time, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }), (lists) => {
        const arms = lists.map((valuesMs, index) => ({ name: `arm ${index}`, accel: '' as const, valuesMs }));
        drawn(distributionChart(arms, 'time', 'narrow'));
      }),
      { numRuns: 12 },
    );
    fc.assert(
      fc.property(fc.array(fc.array(time, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }), (lists) => {
        const arms = lists.map((times, index) => {
          const [spawned = 0, ready = spawned, clean = ready] = [...times].sort((a, b) => a - b);
          const pieces = [
            { metric: 'spawned' as const, untilMs: spawned, lengthMs: spawned },
            { metric: 'ready' as const, untilMs: ready, lengthMs: ready - spawned },
            { metric: 'clean' as const, untilMs: clean, lengthMs: clean - ready },
          ];
          return { name: `arm ${index}`, pieces };
        });
        drawn(stackedCheckpoints(arms, 'wide'));
      }),
      { numRuns: 12 },
    );
  });

  it('draw any ratios', () => {
    const ratio = fc.double({ min: 1e-4, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(ratio, ratio, ratio), { minLength: 1, maxLength: 4 }), (triples) => {
        const arms = triples.map((triple, index) => {
          const [low = 0, middle = 0, high = 0] = [...triple].sort((a, b) => a - b);
          return { name: `arm ${index}`, accel: 'tcg' as const, low, ratio: middle, high, distinguishable: low > 1 };
        });
        drawn(ratioForest(arms, 'process', 'wide'));
      }),
      { numRuns: 12 },
    );
  });

  it('name each arm with its figure, and show each start', () => {
    const arms = [
      { name: 'process', accel: '' as const, valuesMs: [1, 2, 3] },
      { name: 'vm (TCG, software emulation)', accel: 'tcg' as const, valuesMs: [700, 800] },
    ];
    const svg = drawn(distributionChart(arms, 'time to t5 ready', 'wide'));
    expect(texts(svg)).toEqual(
      expect.arrayContaining([
        'process',
        '2.00 ms',
        'vm (TCG, software emulation)',
        '750 ms',
        'time to t5 ready, ms (log scale)',
      ]),
    );
    expect(circles(svg)).toBe(5);
  });

  it('draw a line at 1 for equal arms', () => {
    const arm = { name: 'b', accel: '' as const, low: 0.97, ratio: 1, high: 1.02, distinguishable: false };
    const svg = drawn(ratioForest([arm], 'a', 'wide'));
    expect(svg).toMatch(/stroke="var\(--ink\)" stroke-dasharray/);
    expect(texts(svg)).toContain('1.000 (0.970 to 1.020)');
  });

  it('stand for many starts by evenly spaced quantiles, with both ends', () => {
    const sorted = Float64Array.from({ length: 10_001 }, (_, index) => index);
    const dots = dotsOf(sorted);
    expect(dots).toHaveLength(MOST_DOTS);
    expect([dots[0], dots.at(-1)]).toEqual([0, 10_000]);
  });
});

describe('axisLimits', () => {
  it('hold the data', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const { min, max } = axisLimits(low, high, needsLog(low, high));
        expect(min).toBeLessThanOrEqual(low);
        expect(max).toBeGreaterThanOrEqual(high);
        expect(max).toBeGreaterThan(min);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { START_METRICS } from '../../../src/lab/row.js';
import { CHECKPOINTS, formatMs, formatRatio } from '../../../src/report/wording.js';

describe('wording', () => {
  it('knows each start metric, in order', () => {
    expect(CHECKPOINTS.map(({ metric }) => metric)).toEqual(START_METRICS);
  });

  it('prints times with the digits that matter', () => {
    expect([0.0421, 0.84, 5.217, 48.04, 812.4, 12_345.6].map(formatMs)).toEqual([
      '0.042',
      '0.840',
      '5.22',
      '48.0',
      '812',
      '12346',
    ]);
  });

  it('never rounds a ratio onto 1 from either side', () => {
    expect([0.9999, 1, 1.0001, 1.04, 2.404, 36.08, 806.2].map(formatRatio)).toEqual([
      '0.999900',
      '1.000',
      '1.000100',
      '1.040',
      '2.40',
      '36.1',
      '806',
    ]);
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 2, noNaN: true }), (ratio) => {
        fc.pre(Math.abs(ratio - 1) > 1e-6);
        return Math.sign(Number(formatRatio(ratio)) - 1) === Math.sign(ratio - 1);
      }),
    );
  });
});

import { expect, it } from 'vitest';
import { goDurationMs } from '../../../src/base/go-duration.js';

it.each([
  ['0', 0],
  ['300ms', 300],
  ['1.5h', 5_400_000],
  ['1h2m3.5s', 3_723_500],
  ['-5s', -5000],
  ['+1m', 60_000],
  ['.5s', 500],
  ['1500us', 1.5],
  ['2µs', 0.002],
])('%s', (text, ms) => {
  expect(goDurationMs(text)).toBeCloseTo(ms, 9);
});

it.each(['', '5', 's', '1s ', '1 s', '1d', '-', '1s2', '..s'])('%j is none', (text) => {
  expect(goDurationMs(text)).toBeUndefined();
});

import { expect, it } from 'vitest';
import { ramBytes } from '../../../src/base/ram-size.js';

it.each([
  ['0', 0],
  ['4096', 4096],
  ['64m', 64 * 1024 ** 2],
  ['64MiB', 64 * 1024 ** 2],
  ['1.5g', 1.5 * 1024 ** 3],
  ['10 KB', 10_240],
  ['7b', 7],
  ['2t', 2 * 1024 ** 4],
])('%s', (text, bytes) => {
  expect(ramBytes(text)).toBe(bytes);
});

it.each(['', '-1', '64x', 'm', '1mm', '1  m', 'i', '1ib'])('%j is none', (text) => {
  expect(ramBytes(text)).toBeUndefined();
});

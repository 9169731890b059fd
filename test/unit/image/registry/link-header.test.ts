import { expect, it } from 'vitest';
import { nextLink } from '../../../../src/image/registry/link-header.js';

it.each([
  ['</v2/a/tags/list?n=2&last=b>; rel="next"', '/v2/a/tags/list?n=2&last=b'],
  ['<x>; rel=next', 'x'],
  ['<first>; rel="first", <x,y>; title="a, <b>"; rel="last NEXT"', 'x,y'],
  ['<first>; rel="first"', undefined],
  ['nonsense; rel="next"', undefined],
  ['', undefined],
  [null, undefined],
])('%s', (header, expected) => {
  expect(nextLink(header)).toBe(expected);
});

it('ends in time on what is made to be slow', () => {
  const started = Date.now();
  for (const piece of ['<a>; "', '<', '<>;rel', '<a>;"\\"']) nextLink(piece.repeat(2000));
  expect(Date.now() - started).toBeLessThan(1000);
});

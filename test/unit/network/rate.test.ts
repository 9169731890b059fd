// A rate as tc(8) writes it, and as the kernel gets it.
import { describe, expect, it } from 'vitest';
import { parseRate, rateMessage } from '../../../src/network/rate.js';

describe('a rate', () => {
  it.each([
    ['10mbit', 10_000_000],
    ['8kbit', 8000],
    ['1.5Gbit', 1_500_000_000],
    ['64000bit', 64_000],
  ])('%s is %i bits per second', (text, bits) => expect(parseRate(text)).toBe(bits));

  it.each(['10', '10mbps', '-1mbit', '1kbit', 'mbit', ''])('%j is none', (text) =>
    expect(() => parseRate(text)).toThrow('is no rate'),
  );

  it('is told as bytes per second, in 64 bits where 32 are too few', () => {
    const small = Buffer.from(rateMessage(8_000_000));
    expect(small.includes(Buffer.from('40420f00', 'hex'))).toBe(true); // 1,000,000
    const large = Buffer.from(rateMessage(80_000_000_000));
    expect(large.includes(Buffer.from('00e40b5402000000', 'hex'))).toBe(true); // 10,000,000,000
  });
});

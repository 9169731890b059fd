import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Address,
  addressBytes,
  contains,
  overlaps,
  parseAddress,
  parsePrefix,
  partsOf,
  showAddress,
  showPrefix,
} from '../../../src/network/address.js';

const addresses = fc.oneof(
  fc.bigInt(0n, (1n << 32n) - 1n).map((value): Address => ({ family: 4, value })),
  fc.bigInt(0n, (1n << 128n) - 1n).map((value): Address => ({ family: 6, value })),
);

describe('an address', () => {
  it('is read back as it was written, whatever it is', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseAddress(showAddress(address))).toEqual(address);
      }),
    );
  });

  it.each([
    ['10.0.0.1', '10.0.0.1', '0a000001'],
    ['::', '::', '0'.repeat(32)],
    ['2001:DB8:0:0::1', '2001:db8::1', '20010db8000000000000000000000001'],
    ['::ffff:10.0.0.1', '::ffff:a00:1', '00000000000000000000ffff0a000001'],
  ])('%s is %s', (text, shown, bytes) => {
    expect(showAddress(parseAddress(text))).toBe(shown);
    expect(Buffer.from(addressBytes(parseAddress(text))).toString('hex')).toBe(bytes);
  });

  it.each(['', '10.0.0', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0', '1::2::3', 'localhost'])('%j is none', (text) => {
    expect(() => parseAddress(text)).toThrow('is no IP address');
  });
});

describe('a prefix', () => {
  it('knows what is in it', () => {
    const prefix = parsePrefix('10.1.0.0/16');
    expect(contains(prefix, parseAddress('10.1.255.255'))).toBe(true);
    expect(contains(prefix, parseAddress('10.2.0.0'))).toBe(false);
    expect(contains(prefix, parseAddress('::a01:1'))).toBe(false);
    expect(overlaps(prefix, parsePrefix('10.0.0.0/8'))).toBe(true);
    expect(overlaps(parsePrefix('10.0.0.0/8'), prefix)).toBe(true);
    expect(overlaps(prefix, parsePrefix('10.2.0.0/16'))).toBe(false);
  });

  it('has parts', () => {
    expect([...partsOf(parsePrefix('10.0.0.0/22'), 24)].map(showPrefix)).toEqual([
      ...['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24'],
    ]);
  });

  it('must be one', () => {
    expect(() => parsePrefix('10.1.2.3/16')).toThrow('an address in one');
    expect(() => parsePrefix('10.1.0.0/33')).toThrow('more than 32 bits');
    expect(() => parsePrefix('10.1.0.0')).toThrow('is no subnet');
  });
});

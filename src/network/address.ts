/**
 * Addresses and prefixes of IPv4 and IPv6 as values (RFC 4632, RFC 4291). Pure. Node judges the spelling; what is written here is
 * written as RFC 5952 wants it.
 */
import { isIP } from 'node:net';
import { VlabError } from '../base/errors.js';

export type Family = 4 | 6;

export interface Address {
  family: Family;
  /** The bits as a number: 32 or 128 of them. */
  value: bigint;
}

export interface Prefix {
  family: Family;
  /** The first address: the bits behind `length` are 0. */
  first: bigint;
  length: number;
}

/** Bits of an address. */
export const BITS = { 4: 32, 6: 128 } as const;

/** Error (`input`): it is no address. Zones (`%eth0`) are none either. */
export function parseAddress(text: string): Address {
  const kind = isIP(text);
  if (kind === 4) return { family: 4, value: joined(text.split('.').map(BigInt), 8n) };
  if (kind !== 6 || text.includes('%')) throw new VlabError('input', `is no IP address: ${JSON.stringify(text)}`);
  const [front = '', back] = canonical(text).split('::');
  const [head, tail] = [words(front), words(back ?? '')];
  const gap = back === undefined ? [] : Array<bigint>(8 - head.length - tail.length).fill(0n);
  return { family: 6, value: joined([...head, ...gap, ...tail], 16n) };
}

export function showAddress({ family, value }: Address): string {
  if (family === 4) return split(value, 4, 8n).join('.');
  const all = split(value, 8, 16n).map((word) => word.toString(16));
  return canonical(all.join(':'));
}

/** In network byte order: 4 or 16 bytes. */
export function addressBytes({ family, value }: Address): Uint8Array {
  return Uint8Array.from(split(value, BITS[family] / 8, 8n), Number);
}

/** `10.1.0.0/16`. Error (`input`): it is none, or names an address inside instead of the first. */
export function parsePrefix(text: string): Prefix {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  if (address === '') throw new VlabError('input', `is no subnet: ${JSON.stringify(text)}`, { hint: SUBNET_HINT });
  const { family, value } = parseAddress(address);
  const length = Number(digits);
  if (length > BITS[family]) throw new VlabError('input', `${text} has a prefix of more than ${BITS[family]} bits`);
  const first = startOf(family, value, length);
  if (first !== value) {
    throw new VlabError('input', `${text} is no subnet, but an address in one`, {
      hint: `write ${showPrefix({ family, first, length })}`,
    });
  }
  return { family, first, length };
}

const SUBNET_HINT = 'write the first address and the length of the prefix: 10.1.0.0/16';

export function showPrefix({ family, first, length }: Prefix): string {
  return `${showAddress({ family, value: first })}/${length}`;
}

/** How many addresses are in it. */
export function sizeOf({ family, length }: Prefix): bigint {
  return 1n << BigInt(BITS[family] - length);
}

export function contains(prefix: Prefix, { family, value }: Address): boolean {
  return family === prefix.family && value >= prefix.first && value < prefix.first + sizeOf(prefix);
}

export function overlaps(one: Prefix, other: Prefix): boolean {
  return contains(one, { family: other.family, value: other.first }) || contains(other, { ...one, value: one.first });
}

/** The prefixes of `length` bits in `pool`, from the first on. */
export function* partsOf(pool: Prefix, length: number): Generator<Prefix> {
  const step = 1n << BigInt(BITS[pool.family] - length);
  for (let first = pool.first; first < pool.first + sizeOf(pool); first += step) {
    yield { family: pool.family, first, length };
  }
}

function startOf(family: Family, value: bigint, length: number): bigint {
  const rest = BigInt(BITS[family] - length);
  return (value >> rest) << rest;
}

/** As the URL standard serialises a host, which is RFC 5952. */
const canonical = (text: string) => new URL(`http://[${text}]`).hostname.slice(1, -1);

const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => BigInt(`0x${word}`)));

const joined = (parts: readonly bigint[], bits: bigint) => parts.reduce((sum, part) => (sum << bits) | part, 0n);

function split(value: bigint, count: number, bits: bigint): bigint[] {
  const mask = (1n << bits) - 1n;
  return Array.from({ length: count }, (_, at) => (value >> (bits * BigInt(count - 1 - at))) & mask);
}

/**
 * Seeded random numbers. The algorithm is part of the file formats: a seed in a manifest must give the same schedule and
 * the same intervals in every later version, so it is fixed here and pinned by known answers in the tests.
 *
 * Generator: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018).
 * Seeding: four 32-bit words from two outputs of splitmix64 (Steele, Lea and Flood, OOPSLA 2014), as its authors advise;
 * the state of splitmix64 is the seed, mixed with the 64-bit FNV-1a hash of the stream's name.
 */
import { VlabError } from '../base/errors.js';

export interface Random {
  /** A whole number in 0 … 2^32-1. */
  uint32(): number;
  /** A number in [0, 1) with 53 random bits. */
  unit(): number;
  /** A whole number in 0 … bound-1, without modulo bias. `bound` is in 1 … 2^32. */
  below(bound: number): number;
}

/** The four words of the state, not all of them zero. */
export type RandomState = readonly [number, number, number, number];

const MASK_64 = (1n << 64n) - 1n;

/**
 * A generator for `seed`, a whole number in 0 … 2^53-1. Streams of one seed with different names are independent, so a new
 * arm or metric does not change the numbers of the others. Throws an `input` error for any other seed.
 */
export function seededRandom(seed: number, stream = ''): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new VlabError('input', `${seed} cannot be a seed`, {
      hint: 'take a whole number from 0 to 9007199254740991',
    });
  }
  let mixer = stream === '' ? BigInt(seed) : BigInt(seed) ^ fnv1a(stream);
  const splitmix64 = (): bigint => {
    mixer = (mixer + 0x9e3779b97f4a7c15n) & MASK_64;
    let z = mixer;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK_64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK_64;
    return z ^ (z >> 31n);
  };
  const low = splitmix64();
  const high = splitmix64();
  const word = (value: bigint): number => Number(value & 0xffffffffn);
  return xoshiro128(word(low), word(low >> 32n), word(high), word(high >> 32n));
}

/** xoshiro128** from a given state; the tests use it to compare with the reference implementation. */
export function xoshiro128(...state: RandomState): Random {
  let [a, b, c, d] = state.map((value) => value | 0) as [number, number, number, number];
  const uint32 = (): number => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return {
    uint32,
    unit: () => ((uint32() >>> 5) * 0x4000000 + (uint32() >>> 6)) / 2 ** 53,
    below: (bound) => {
      // Numbers past the last whole multiple of the bound are drawn again, so that each remainder is as likely as another.
      const limit = 2 ** 32 - (2 ** 32 % bound);
      let drawn = uint32();
      while (drawn >= limit) drawn = uint32();
      return drawn % bound;
    },
  };
}

/** A new array with the same items in random order (Fisher and Yates; Knuth, TAOCP 3.4.2, algorithm P). */
export function shuffle<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

/** FNV-1a, 64 bits, over the UTF-8 bytes of `text` (RFC 9923). */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK_64;
  return hash;
}

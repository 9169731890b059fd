/**
 * The double-or-nothing bootstrap of a median: each block counts twice or not at all, with the toss of a coin (Owen and
 * Eckles, "Bootstrapping data arrays of arbitrary order", 2012). The medians of such random subsets are Hartigan's typical
 * values ("Using subsample values as typical values", JASA 1969): they cut the line into pieces that hold the true median
 * with equal chances, at any number of blocks, when the blocks' values lie symmetrically about it. Two equal arms in random
 * order do that, so the false alarms are right even where a classical percentile bootstrap has too few blocks.
 * docs/decisions/0003-ratio-intervals.md has the measurements.
 */
import type { Random } from './random.js';

/** Up to this many blocks all subsets are taken, beyond it RANDOM_SUBSETS random ones. */
export const EXHAUSTIVE_BLOCKS = 10;
export const RANDOM_SUBSETS = 1999;

/** Ascending medians of all 2^n - 1 subsets that are not empty, of n ≤ 10 `sorted` values. */
export function everySubsetMedian(sorted: Float64Array): Float64Array {
  const words = new Uint32Array(1);
  return Float64Array.from({ length: 2 ** sorted.length - 1 }, (_, index) => {
    words[0] = index + 1;
    return subsetMedian(sorted, words, bitCount(index + 1));
  }).sort();
}

/** Medians of `count` random subsets of `sorted`, in the order they were drawn. Empty subsets are drawn again. */
export function randomSubsetMedians(sorted: Float64Array, count: number, random: Random): Float64Array {
  const words = new Uint32Array(Math.ceil(sorted.length / 32));
  const lastWordMask = 0xffffffff >>> (words.length * 32 - sorted.length);
  return Float64Array.from({ length: count }, () => {
    let size = 0;
    while (size === 0) {
      for (let index = 0; index < words.length; index++) {
        const word = index === words.length - 1 ? random.uint32() & lastWordMask : random.uint32();
        words[index] = word;
        size += bitCount(word);
      }
    }
    return subsetMedian(sorted, words, size);
  });
}

/**
 * The interval between the k-th smallest and k-th largest of ascending subset medians, where k leaves half of
 * `1 - confidence` outside on each side. k is at least 1: with five blocks that is the whole range of them, and 93.75 %.
 */
export function typicalValueInterval(medians: Float64Array, confidence: number): { low: number; high: number } {
  const share = ((1 - confidence) / 2) * (medians.length + 1);
  const k = Math.max(1, Math.floor(share + 1e-9));
  return { low: medians[k - 1] as number, high: medians[medians.length - k] as number };
}

/** Bit i of the words says that sorted[i] belongs to the subset; `size` is their number, at least 1. */
function subsetMedian(sorted: Float64Array, words: Uint32Array, size: number): number {
  const upper = bitPosition(words, size >>> 1);
  if (size % 2 === 1) return sorted[upper] as number;
  return ((sorted[bitPosition(words, (size >>> 1) - 1)] as number) + (sorted[upper] as number)) / 2;
}

/** Position of the set bit that has `rank` set bits before it. */
function bitPosition(words: Uint32Array, rank: number): number {
  let left = rank;
  let index = 0;
  let word = words[0] as number;
  for (let bits = bitCount(word); bits <= left; bits = bitCount(word)) {
    left -= bits;
    word = words[++index] as number;
  }
  for (; left > 0; left--) word &= word - 1;
  return index * 32 + (31 - Math.clz32(word & -word));
}

/** Set bits of a 32-bit word (Warren, Hacker's Delight, 5-1). */
function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Lists of numbers as the kernel writes them, "0-3,8" (kernel cpulist; cpuset(7), "List format"). Pure. */
import { words64 } from '../../sys/encode.js';
import { configError } from './parse-config.js';

/** As many as any kernel is built for (CONFIG_NR_CPUS, NODES_SHIFT). */
const GREATEST = 8191;

/** A bit for each number. Errors: `input` with the JSON path. */
export function parseNumberList(text: string, path: string): bigint {
  let mask = 0n;
  for (const part of text.split(',')) {
    const [, from = '', , to = from] = /^\s*(\d+)(-(\d+))?\s*$/.exec(part) ?? [];
    const [low, high] = [Number(from), Number(to)];
    if (from === '' || low > high || high > GREATEST) {
      throw configError(path, `is no list of numbers such as 0-3,8: ${JSON.stringify(text)}`);
    }
    mask |= ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
  }
  return mask;
}

/** The mask as the kernel's arrays of unsigned long. */
export function maskBytes(mask: bigint): Uint8Array {
  const words: bigint[] = [];
  for (let rest = mask; rest > 0n || words.length === 0; rest >>= 64n) words.push(BigInt.asUintN(64, rest));
  return words64(...words);
}

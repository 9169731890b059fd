import type { CgroupDirectory } from './cgroup.js';
import { readControl } from './control-file.js';
import type { MemoryEntry } from './stats-shape.js';

/** `max` in a file: no limit, as a number of 64 bits. */
export const MAX = (1n << 64n) - 1n;

export const NOTHING: Readonly<MemoryEntry> = { limit: 0n, usage: 0n, max: 0n, failcnt: 0n };

/** The number in the first of these files that there is; 0 when there is none. */
export function numberIn(directory: CgroupDirectory, ...files: string[]): bigint {
  for (const file of files) {
    const text = readControl(directory, file);
    if (text === 'max') return MAX;
    if (text !== undefined && /^-?\d+$/.test(text)) return BigInt(text);
  }
  return 0n;
}

/** `0-2,7` → 0, 1, 2, 7. */
export function numberList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

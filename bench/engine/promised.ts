/** Figures against promises. Pure. */
import type { Ratio } from '../../src/stats/ratio.js';
import type { Promised } from './tools.js';

export function ratioPromise(name: string, { ratio, low, high, blocks }: Ratio, atMost: number): Promised[] {
  if (ratio === undefined) return [];
  const interval =
    low === undefined || high === undefined ? 'too few blocks' : `${low.toFixed(2)} … ${high.toFixed(2)}`;
  return [{ name, figure: ratio.toFixed(2), interval, blocks, promise: `≤ ${atMost}`, kept: ratio <= atMost }];
}

export const PROMISED_HEAD = ['ratio or figure', 'figure', '95 % interval', 'blocks', 'promise', 'kept'] as const;

export function promisedRow({ name, figure, interval, blocks, promise, kept }: Promised): string[] {
  return [name, figure, interval, String(blocks), promise, kept ? 'yes' : 'NO'];
}

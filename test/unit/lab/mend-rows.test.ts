import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mendRows } from '../../../src/lab/mend-rows.js';
import type { Row } from '../../../src/lab/row.js';
import { encodeRows, ROWS_HEADER } from '../../../src/lab/row-csv.js';
import type { Trial } from '../../../src/lab/schedule.js';
import { rowOfFailure, rowsOfStart } from '../../../src/lab/trial-rows.js';

const arm = { label: 'a', driver: 'fake', accel: '' } as const;

function trial(order: number): Trial {
  return { order, block: order, arm: 'a', warmup: false };
}

/** Good trials and failed ones, with reasons that need quotes. */
function rowsOf(order: number): Row[] {
  if (order % 3 === 2) return [rowOfFailure(trial(order), arm, 'failed', 'said "no", and then: é,\nnothing')];
  return rowsOfStart(trial(order), arm, { requested: 1000n, exec: 1500n, firstByte: 2000n, ready: 2000n });
}

const TRIALS = 4;
const chunks = Array.from({ length: TRIALS }, (_, order) => encodeRows(rowsOf(order)));
const whole = Buffer.from(ROWS_HEADER + chunks.join(''));
/** Offsets at which a whole number of trials ends. */
const ends = chunks.map((_, index) => Buffer.byteLength(ROWS_HEADER + chunks.slice(0, index + 1).join('')));
ends.unshift(ROWS_HEADER.length);

test('a whole file has nothing torn', () => {
  expect(mendRows(whole)).toEqual({
    rows: Array.from({ length: TRIALS }, (_, order) => rowsOf(order)).flat(),
    goodBytes: whole.length,
    torn: Buffer.alloc(0),
  });
});

test('cut anywhere, the file keeps exactly the trials that are whole', () => {
  const near = (length: number): boolean => ends.some((end) => Math.abs(end - length) < 4);
  for (let length = 0; length <= whole.length; length++) {
    if (length % 7 !== 0 && !near(length)) continue;
    const { rows, goodBytes, torn } = mendRows(whole.subarray(0, length));
    const good = ends.filter((end) => end <= length).at(-1) ?? 0;
    expect(goodBytes).toBe(good);
    expect(torn).toEqual(whole.subarray(good, length));
    expect(rows).toEqual(
      good === 0 ? [] : Array.from({ length: ends.indexOf(good) }, (_, order) => rowsOf(order)).flat(),
    );
  }
});

test('zeros that a power cut left at the end are torn, not an error', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: ROWS_HEADER.length, max: whole.length }),
      fc.integer({ min: 1, max: 5000 }),
      (length, zeros) => {
        const { goodBytes } = mendRows(Buffer.concat([whole.subarray(0, length), Buffer.alloc(zeros)]));
        expect(goodBytes).toBe(ends.filter((end) => end <= length).at(-1));
      },
    ),
  );
});

test('damage that good rows follow is an error that names the line, and nothing is cut', () => {
  const damaged = Buffer.from(whole);
  damaged.fill('#', ends[1] as number, (ends[1] as number) + 4);
  expect(() => mendRows(damaged)).toThrowError(/damaged in the middle: line 10 of trials.csv is no row/);
});

test('a file of another kind is refused', () => {
  expect(() => mendRows(Buffer.from('time,value\r\n1,2\r\n'))).toThrowError(/does not start with block,order/);
});

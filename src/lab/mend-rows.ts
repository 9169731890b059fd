import { messageOf, VlabError } from '../base/errors.js';
import type { Row } from './row.js';
import { decodeRows, ROWS_HEADER } from './row-csv.js';
import { isWholeTrial } from './trial-rows.js';

export interface Mended {
  /** Rows of whole trials, in the order of the file. */
  rows: Row[];
  /** How many bytes of the file to keep: the header and those rows. 0 when not even the header is whole. */
  goodBytes: number;
  /** What stands after them: a line that was cut off, or the rows of a trial that were not all written. */
  torn: Buffer;
}

/**
 * Finds where a trials.csv stops being whole, after its writer was killed or the machine lost power in mid-write. Pure.
 * Throws an `input` error when good rows follow bad ones: that is damage of another kind, and cutting would lose rows.
 */
export function mendRows(file: Buffer): Mended {
  const header = Buffer.from(ROWS_HEADER);
  if (file.length < header.length && header.subarray(0, file.length).equals(file))
    return { rows: [], goodBytes: 0, torn: file };
  if (!file.subarray(0, header.length).equals(header)) {
    throw new VlabError('input', `trials.csv does not start with ${ROWS_HEADER.trim()}`);
  }

  const lines = linesOf(file, header.length);
  const wholeLines = lines.findIndex((line) => line.row === undefined);
  const good = wholeLines === -1 ? lines : lines.slice(0, wholeLines);
  const after = lines.slice(good.length);
  const later = after.findIndex((line) => line.row !== undefined);
  if (later !== -1) {
    throw new VlabError('input', `trials.csv is damaged in the middle: ${after[0]?.problem ?? 'a line is no row'}`, {
      hint: 'rows follow the damage, so nothing was cut; repair that line by hand',
    });
  }

  const lastOrder = good.at(-1)?.row?.order;
  let keep = good.length;
  while (keep > 0 && good[keep - 1]?.row?.order === lastOrder) keep--;
  if (isWholeTrial(good.slice(keep).map((line) => line.row as Row))) keep = good.length;
  const goodBytes = keep === 0 ? header.length : (good[keep - 1] as Line).end;
  return { rows: good.slice(0, keep).map((line) => line.row as Row), goodBytes, torn: file.subarray(goodBytes) };
}

interface Line {
  row: Row | undefined;
  problem?: string;
  /** Offset after its line break. */
  end: number;
}

function linesOf(file: Buffer, from: number): Line[] {
  const ends: number[] = [];
  for (let at = file.indexOf('\r\n', from); at !== -1; at = file.indexOf('\r\n', at + 2)) ends.push(at + 2);
  const lines =
    allAtOnce(file, from, ends) ?? ends.map((end, index) => oneLine(file, ends[index - 1] ?? from, end, index));
  if ((ends.at(-1) ?? from) < file.length) lines.push({ row: undefined, end: file.length });
  return lines;
}

/** The usual case, and the fast one: every line is a row. Undefined when one is not. */
function allAtOnce(file: Buffer, from: number, ends: readonly number[]): Line[] | undefined {
  try {
    const rows = decodeRows(file.toString('utf8', from, ends.at(-1) ?? from));
    return rows.length === ends.length ? rows.map((row, index) => ({ row, end: ends[index] as number })) : undefined;
  } catch {
    return undefined; // the slow way will say which line it is
  }
}

function oneLine(file: Buffer, start: number, end: number, index: number): Line {
  try {
    const [row, ...more] = decodeRows(file.toString('utf8', start, end), index + 2);
    return { row: more.length === 0 ? row : undefined, end };
  } catch (error) {
    return { row: undefined, problem: messageOf(error), end };
  }
}

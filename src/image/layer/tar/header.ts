/** A header block of a tar archive: POSIX.1-1988 ustar, with what GNU tar and star made of it (tar(5) of libarchive). Pure. */
import { VlabError } from '../../../base/errors.js';
import { BLOCK_BYTES, type Segment } from './entry.js';

export interface Header {
  /** The type flag, a character; NUL is given as '0'. */
  flag: string;
  path: string;
  linkPath: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtimeSeconds: number;
  major: number;
  minor: number;
}

/** What every fault of an archive is. */
export function malformed(what: string): VlabError {
  return new VlabError('input', `the layer is no well-formed tar archive: ${what}`, {
    hint: 'it was damaged, or is no layer: pull or build the image again',
  });
}

const ZERO = Buffer.alloc(BLOCK_BYTES);

export function isZeroBlock(block: Buffer): boolean {
  return block[0] === 0 && block.equals(ZERO);
}

/** Error (`input`): its checksum is wrong, or a number in it is none. */
export function readHeader(block: Buffer): Header {
  checkSum(block);
  const flag = block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0);
  const hasPrefix = block.toString('latin1', 257, 263) === 'ustar\0'; // GNU tar has "ustar " here, and other things in the prefix
  const name = text(block, 0, 100);
  const prefix = hasPrefix ? text(block, 345, 155) : '';
  return {
    flag,
    path: prefix === '' ? name : `${prefix}/${name}`,
    linkPath: text(block, 157, 100),
    mode: number(block, 100, 8, 'mode') & 0o7777,
    uid: number(block, 108, 8, 'uid'),
    gid: number(block, 116, 8, 'gid'),
    size: number(block, 124, 12, 'size'),
    mtimeSeconds: number(block, 136, 12, 'mtime'),
    major: flag === '3' || flag === '4' ? number(block, 329, 8, 'major') : 0,
    minor: flag === '3' || flag === '4' ? number(block, 337, 8, 'minor') : 0,
  };
}

/** The header of an old GNU sparse file (type S) holds the first four segments, its real size, and whether more blocks follow. */
export function readGnuSparse(block: Buffer): { segments: Segment[]; more: boolean; realSize: number } {
  return {
    segments: segmentsOf(block, 386, 4),
    more: block[482] !== 0,
    realSize: number(block, 483, 12, 'real size'),
  };
}

/** A block of further segments. */
export function readGnuSparseMore(block: Buffer): { segments: Segment[]; more: boolean } {
  return { segments: segmentsOf(block, 0, 21), more: block[504] !== 0 };
}

function segmentsOf(block: Buffer, at: number, most: number): Segment[] {
  const found: Segment[] = [];
  for (let index = 0; index < most; index++) {
    const here = at + index * 24;
    if (block[here + 12] === 0) break;
    found.push({ offset: number(block, here, 12, 'offset'), bytes: number(block, here + 12, 12, 'length') });
  }
  return found;
}

function text(block: Buffer, at: number, bytes: number): string {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end < 0 || end > at + bytes ? at + bytes : end);
}

/** Octal digits between spaces and NULs; or a number in two's complement, marked by the first bit (GNU, star). */
function number(block: Buffer, at: number, bytes: number, what: string): number {
  const first = block[at] ?? 0;
  if (first & 0x80) return binaryNumber(block, at, bytes, what);
  let value = 0;
  let index = at;
  const end = at + bytes;
  while (index < end && (block[index] === 0x20 || block[index] === 0)) index++;
  for (; index < end; index++) {
    const digit = (block[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; index < end; index++) {
    if (block[index] !== 0x20 && block[index] !== 0) {
      throw malformed(`its ${what} is no number: ${JSON.stringify(block.toString('latin1', at, end))}`);
    }
  }
  return value;
}

function binaryNumber(block: Buffer, at: number, bytes: number, what: string): number {
  const isNegative = block[at] === 0xff;
  let value = isNegative ? -1n : BigInt((block[at] ?? 0) & 0x7f);
  for (let index = at + 1; index < at + bytes; index++) value = (value << 8n) | BigInt(block[index] ?? 0);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw malformed(`its ${what} is beyond all measure: ${value}`);
  return result;
}

/** The sum of all bytes, with spaces in the place of the sum; old archives added signed bytes. */
function checkSum(block: Buffer): void {
  const wanted = number(block, 148, 8, 'checksum');
  let sum = 8 * 0x20;
  for (let index = 0; index < 148; index++) sum += block[index] as number;
  for (let index = 156; index < BLOCK_BYTES; index++) sum += block[index] as number;
  if (sum === wanted) return;
  for (let index = 0; index < BLOCK_BYTES; index++)
    if (index < 148 || index > 155) sum -= (block[index] as number) & 0x80 ? 256 : 0;
  if (sum !== wanted) throw malformed('the checksum of a header is wrong');
}

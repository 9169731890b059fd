/** The extended headers of POSIX.1-2001 (pax): what they say goes before the header that follows. Pure. */
import type { Segment, TarTime } from './entry.js';
import { malformed } from './header.js';

/** GNU tar's three ways to say where the holes are (tar manual, appendix "Sparse Formats"). */
export interface PaxSparse {
  /** 0.0 and 0.1 say it in the header; 1.0 has it before the content. */
  segments: Segment[] | undefined;
  name: string | undefined;
  realSize: number | undefined;
}

export interface PaxHeader {
  path: string | undefined;
  linkPath: string | undefined;
  uid: number | undefined;
  gid: number | undefined;
  size: number | undefined;
  mtime: TarTime | undefined;
  xattrs: [string, Uint8Array][];
  sparse: PaxSparse | undefined;
}

const XATTR = 'SCHILY.xattr.';

/** Records `LENGTH KEY=VALUE\n`, one behind the other. Error (`input`): they are not. */
export function readPax(body: Buffer): PaxHeader {
  const header: PaxHeader = {
    path: undefined,
    linkPath: undefined,
    uid: undefined,
    gid: undefined,
    size: undefined,
    mtime: undefined,
    xattrs: [],
    sparse: undefined,
  };
  const pairs: string[] = []; // 0.0: offset and numbytes, one after the other
  for (const [key, value] of records(body)) {
    if (key.startsWith(XATTR)) header.xattrs.push([nameOf(key.slice(XATTR.length), key), value]);
    else if (key === 'path') header.path = nameOf(value.toString('latin1'), key);
    else if (key === 'linkpath') header.linkPath = nameOf(value.toString('latin1'), key);
    else if (key === 'uid' || key === 'gid' || key === 'size') header[key] = wholeNumber(value.toString('latin1'), key);
    else if (key === 'mtime') header.mtime = timeOf(value.toString('latin1'));
    else if (key.startsWith('GNU.sparse.')) {
      header.sparse ??= { segments: undefined, name: undefined, realSize: undefined };
      readSparse(header.sparse, key.slice('GNU.sparse.'.length), value.toString('latin1'), pairs);
    }
  }
  if (header.sparse && pairs.length > 0) header.sparse.segments = segmentsFrom(pairs);
  return header;
}

function* records(body: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = space < 0 || space - at > 10 ? Number.NaN : Number(body.toString('latin1', at, space));
    const end = at + length;
    if (!Number.isSafeInteger(length) || end > body.length || end <= space + 1 || body[end - 1] !== 0x0a) {
      throw malformed('the length of a pax record is wrong');
    }
    const equals = body.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) throw malformed('a pax record has no "="');
    yield [body.toString('latin1', space + 1, equals), body.subarray(equals + 1, end - 1)];
    at = end;
  }
}

function readSparse(sparse: PaxSparse, key: string, value: string, pairs: string[]): void {
  if (key === 'name') sparse.name = nameOf(value, key);
  else if (key === 'size' || key === 'realsize') sparse.realSize = wholeNumber(value, key);
  else if (key === 'map') pairs.push(...(value === '' ? [] : value.split(',')));
  else if (key === 'offset' || key === 'numbytes') pairs.push(value);
  else if (key === 'numblocks') sparse.segments ??= [];
}

/** offset, length, offset, length … */
export function segmentsFrom(numbers: readonly string[]): Segment[] {
  if (numbers.length % 2 !== 0) throw malformed('a sparse map has an offset without a length');
  const segments: Segment[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    segments.push({
      offset: wholeNumber(numbers[index] ?? '', 'sparse offset'),
      bytes: wholeNumber(numbers[index + 1] ?? '', 'sparse length'),
    });
  }
  return segments;
}

export function wholeNumber(text: string, what: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw malformed(`${what} is no number of bytes or id: ${JSON.stringify(text)}`);
  return value;
}

function nameOf(text: string, key: string): string {
  if (text.includes('\0')) throw malformed(`${key} of a pax header holds a NUL byte`);
  return text;
}

/** Decimal seconds: 1700000000.123456789, also negative. Digits beyond nanoseconds are dropped. */
function timeOf(text: string): TarTime {
  const [, sign, whole = '', fraction = ''] = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text) ?? [];
  if (whole === '') throw malformed(`mtime is no time: ${JSON.stringify(text)}`);
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign !== '-') return { seconds: Number(whole), nanoseconds };
  if (nanoseconds === 0) return { seconds: 0 - Number(whole), nanoseconds };
  return { seconds: -Number(whole) - 1, nanoseconds: 1e9 - nanoseconds };
}

/**
 * Headers of a tar archive: ustar (POSIX.1-1988), with pax headers (POSIX.1-2001) where that cannot say something. The same entry
 * gives the same bytes. Sparse files are GNU tar's format 1.0. Pure.
 */
import { BLOCK_BYTES, type EntryType, paddingOf, type Segment, type TarEntry } from './entry.js';

const FLAGS: Record<EntryType, string> = {
  file: '0',
  'hard-link': '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};
const NAME_BYTES = 100;
const MOST_ID = 0o7777777;
const MOST_SIZE = 0o77777777777;
/** Names of what stands in for an entry that its pax header describes. */
const PAX_NAME = 'PaxHeaders.0/';
const SPARSE_NAME = 'GNUSparseFile.0/';

/** The end of every archive. */
export const END_MARK = Buffer.alloc(2 * BLOCK_BYTES);

/**
 * All that comes before the content. `segments`: of a sparse file, whose content is these pieces alone. Content is followed by zeros
 * up to a whole block.
 */
export function headerOf(entry: TarEntry, segments?: readonly Segment[]): { bytes: Buffer; contentBytes: number } {
  const map = segments ? mapOf(segments) : Buffer.alloc(0);
  const contentBytes = segments
    ? segments.reduce((sum, { bytes }) => sum + bytes, 0)
    : entry.type === 'file'
      ? entry.sizeBytes
      : 0;
  const stored = map.length + contentBytes;
  const records = recordsOf(entry, stored, segments !== undefined);
  const path = segments ? SPARSE_NAME + baseName(entry.path) : entry.path;
  const parts: Buffer[] = [];
  if (records.length > 0) {
    const body = Buffer.concat(records);
    const name = PAX_NAME + baseName(entry.path);
    parts.push(block({ ...NOBODY, path: name, sizeBytes: body.length }, 'x', body.length), body);
    parts.push(Buffer.alloc(paddingOf(body.length)));
  }
  parts.push(block({ ...entry, path }, FLAGS[entry.type], stored), map);
  return { bytes: Buffer.concat(parts), contentBytes };
}

const NOBODY: TarEntry = {
  ...{
    type: 'file',
    path: '',
    linkPath: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    major: 0,
    minor: 0,
    xattrs: [],
  },
  mtime: { seconds: 0, nanoseconds: 0 },
};

/** What the header block cannot hold, in a fixed order. */
function recordsOf(entry: TarEntry, stored: number, isSparse: boolean): Buffer[] {
  const { path, linkPath, uid, gid, mtime } = entry;
  const records: Buffer[] = [];
  const add = (key: string, value: string | Uint8Array) => void records.push(record(key, value));
  if (isSparse) {
    add('GNU.sparse.major', '1');
    add('GNU.sparse.minor', '0');
    add('GNU.sparse.name', Buffer.from(path, 'latin1'));
    add('GNU.sparse.realsize', String(entry.sizeBytes));
  } else if (isLong(path)) add('path', Buffer.from(path, 'latin1'));
  if (isLong(linkPath)) add('linkpath', Buffer.from(linkPath, 'latin1'));
  if (uid > MOST_ID) add('uid', String(uid));
  if (gid > MOST_ID) add('gid', String(gid));
  if (stored > MOST_SIZE) add('size', String(stored));
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0 || mtime.seconds > MOST_SIZE) add('mtime', decimal(mtime));
  for (const [name, value] of [...entry.xattrs].sort(([a], [b]) => (a < b ? -1 : 1)))
    add(`SCHILY.xattr.${name}`, value);
  return records;
}

const isLong = (name: string) => name.length > NAME_BYTES || /[^\x20-\x7e]/.test(name);

/** `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits too. */
function record(key: string, value: string | Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), Buffer.from(value as string), Buffer.from('\n')]);
  let digits = 1;
  while (String(rest.length + digits).length > digits) digits++;
  return Buffer.concat([Buffer.from(String(rest.length + digits)), rest]);
}

/** Seconds before 1970 count back from the whole: -2 s and 750 ms are -1.25. */
function decimal({ seconds, nanoseconds }: TarEntry['mtime']): string {
  if (nanoseconds === 0) return String(seconds);
  const isNegative = seconds < 0;
  const [whole, part] = isNegative ? [-seconds - 1, 1e9 - nanoseconds] : [seconds, nanoseconds];
  return `${isNegative ? '-' : ''}${whole}.${String(part).padStart(9, '0').replace(/0+$/, '')}`;
}

function mapOf(segments: readonly Segment[]): Buffer {
  const lines = [segments.length, ...segments.flatMap(({ offset, bytes }) => [offset, bytes])];
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return Buffer.concat([text, Buffer.alloc(paddingOf(text.length))]);
}

function baseName(path: string): string {
  const name = path.replace(/\/$/, '');
  return name.slice(name.lastIndexOf('/') + 1).slice(0, NAME_BYTES - SPARSE_NAME.length);
}

function block(entry: TarEntry, flag: string, size: number): Buffer {
  const { mtime } = entry;
  const head = Buffer.alloc(BLOCK_BYTES);
  head.write(entry.path.slice(0, NAME_BYTES), 0, 'latin1');
  octal(head, 100, 8, entry.mode);
  octal(head, 108, 8, entry.uid > MOST_ID ? 0 : entry.uid);
  octal(head, 116, 8, entry.gid > MOST_ID ? 0 : entry.gid);
  octal(head, 124, 12, size > MOST_SIZE ? 0 : size);
  octal(head, 136, 12, Math.min(Math.max(mtime.seconds, 0), MOST_SIZE));
  head.write('        ', 148);
  head.write(flag, 156);
  head.write(entry.linkPath.slice(0, NAME_BYTES), 157, 'latin1');
  head.write('ustar\x0000', 257, 'latin1');
  const isDevice = entry.type === 'character' || entry.type === 'block';
  octal(head, 329, 8, isDevice ? entry.major : 0);
  octal(head, 337, 8, isDevice ? entry.minor : 0);
  const sum = head.reduce((all, byte) => all + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return head;
}

function octal(head: Buffer, at: number, bytes: number, value: number): void {
  head.write(`${value.toString(8).padStart(bytes - 1, '0')}\0`, at);
}

/**
 * Reads a tar archive as it comes in: chunks in, entries and pieces of content out. Pure. No kept library of npm reads GNU's
 * sparse files, keeps the bytes of names and gives content without copying it.
 */
import { BLOCK_BYTES, type EntryType, paddingOf, type Segment, type TarEntry, type TarTime } from './entry.js';
import { type Header, isZeroBlock, malformed, readGnuSparse, readGnuSparseMore, readHeader } from './header.js';
import { type PaxHeader, readPax } from './pax.js';
import { SparseMap } from './sparse-map.js';

export type TarEvent =
  | { kind: 'entry'; entry: TarEntry }
  /** Content of the last entry, at this offset of the file; `bytes` is a part of the chunk. */
  | { kind: 'content'; offset: number; bytes: Buffer }
  /** The last entry is whole. */
  | { kind: 'whole' };

const TYPES: Record<string, EntryType | undefined> = {
  ...{ '0': 'file', '7': 'file', S: 'file', '1': 'hard-link', '2': 'symlink', '3': 'character', '4': 'block' },
  ...{ '5': 'directory', D: 'directory', '6': 'fifo' },
};
/** Volume labels and global headers say nothing that docker would heed. */
const IGNORED = new Set(['V', 'g']);

/** What the next bytes are. */
type Part = 'header' | 'ignored' | 'long-name' | 'long-link' | 'pax' | 'gnu-sparse' | 'sparse-map' | 'content' | 'end';

export class TarReader {
  private part: Part = 'header';
  /** Bytes of the part that are still to come, and of the padding behind it. */
  private left = BLOCK_BYTES;
  private padding = 0;
  private held: Buffer[] = [];
  private longName: string | undefined;
  private longLink: string | undefined;
  private pax: PaxHeader | undefined;
  private header: Header | undefined;
  private headerBytes = 0;
  private segments: Segment[] = [];
  private realSize = 0;
  private readonly map = new SparseMap();
  private sparse = false;
  private at = 0;
  private out: TarEvent[] = [];

  constructor(private readonly maxHeaderBytes: number) {}

  /** What the chunk holds. Error (`input`): it is malformed. */
  push(chunk: Buffer): TarEvent[] {
    this.out = [];
    this.read(chunk);
    return this.out;
  }

  private read(chunk: Buffer): void {
    let from = 0;
    while (from < chunk.length) {
      if (this.part === 'end') return; // whatever lies behind the end mark
      if (this.left > 0) {
        const taken = Math.min(this.left, chunk.length - from);
        const bytes = chunk.subarray(from, from + taken);
        from += taken;
        this.left -= taken;
        if (this.part === 'content') this.content(bytes);
        else if (this.part !== 'ignored') {
          if (this.left > 0 || this.held.length > 0) this.held.push(bytes);
          if (this.left === 0) this.whole(this.held.length > 0 ? this.take() : bytes);
        }
      } else {
        const skipped = Math.min(this.padding, chunk.length - from);
        from += skipped;
        this.padding -= skipped;
      }
      if (this.left === 0 && this.padding === 0) this.next();
    }
  }

  /** Error (`input`): the archive ends in the middle. */
  finish(): void {
    const atBoundary = this.part === 'header' && this.left === BLOCK_BYTES && !this.pax && !this.longName;
    if (this.part !== 'end' && !atBoundary) throw malformed('it ends in the middle');
  }

  private take(): Buffer {
    const all = Buffer.concat(this.held);
    this.held = [];
    return all;
  }

  private expect(part: Part, bytes: number, padding = 0): void {
    this.part = part;
    this.left = bytes;
    this.padding = padding;
  }

  /** A part and its padding are over. */
  private next(): void {
    if (this.part === 'end') return;
    if (this.part === 'content') {
      if (this.sparse) this.map.mustBeFull();
      this.out.push({ kind: 'whole' });
    }
    this.expect('header', BLOCK_BYTES);
  }

  private content(bytes: Buffer): void {
    if (this.sparse) {
      for (const piece of this.map.spread(bytes)) this.out.push({ kind: 'content', ...piece });
      return;
    }
    this.out.push({ kind: 'content', offset: this.at, bytes });
    this.at += bytes.length;
  }

  /** All bytes of a part that is no content. */
  private whole(bytes: Buffer): void {
    if (this.part === 'header') this.readHeaderBlock(bytes);
    else if (this.part === 'long-name') this.longName = untilNul(bytes);
    else if (this.part === 'long-link') this.longLink = untilNul(bytes);
    else if (this.part === 'pax') this.pax = readPax(bytes);
    else if (this.part === 'gnu-sparse') this.moreSegments(readGnuSparseMore(bytes));
    else if (this.part === 'sparse-map') this.readMap(bytes);
  }

  private readHeaderBlock(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.pax || this.longName !== undefined) throw malformed('it ends behind an extended header');
      this.expect('end', 0);
      return;
    }
    const header = readHeader(block);
    const { flag, size } = header;
    if (size < 0) throw malformed(`the size of ${JSON.stringify(header.path)} is negative`);
    if (flag === 'L' || flag === 'K' || flag === 'x') {
      this.headerBytes += size;
      if (this.headerBytes > this.maxHeaderBytes) {
        throw malformed(`the headers of one entry have more than ${this.maxHeaderBytes} bytes`);
      }
      const part = flag === 'L' ? 'long-name' : flag === 'K' ? 'long-link' : 'pax';
      this.expect(part, size, paddingOf(size));
      if (size === 0) this.whole(Buffer.alloc(0));
      return;
    }
    if (IGNORED.has(flag)) this.expect('ignored', size, paddingOf(size));
    else this.readFileHeader(header, block);
  }

  private readFileHeader(header: Header, block: Buffer): void {
    this.header = header;
    if (header.flag === 'S') {
      const { segments, more, realSize } = readGnuSparse(block);
      this.segments = [];
      this.realSize = realSize;
      this.moreSegments({ segments, more });
      return;
    }
    const { sparse } = this.pax ?? {};
    if (sparse) {
      this.realSize = sparse.realSize ?? sparse.segments?.at(-1)?.offset ?? 0;
      // 1.0 keeps its map before the content, as decimal lines that fill whole blocks
      if (sparse.segments) this.start(sparse.segments, 0);
      else this.expect('sparse-map', BLOCK_BYTES);
    } else this.start(undefined, 0);
  }

  private moreSegments({ segments, more }: { segments: Segment[]; more: boolean }): void {
    for (const segment of segments) this.segments.push(segment);
    this.headerBytes += segments.length * 24;
    if (this.headerBytes > this.maxHeaderBytes) throw malformed('a sparse file has too many pieces');
    if (more) this.expect('gnu-sparse', BLOCK_BYTES);
    else this.start(this.segments, 0);
  }

  /** Blocks of the map come in until it is whole. */
  private readMap(bytes: Buffer): void {
    const segments = SparseMap.parse(bytes);
    if (segments) {
      this.start(segments, bytes.length);
      return;
    }
    if (bytes.length + BLOCK_BYTES > this.maxHeaderBytes) throw malformed('a sparse file has too many pieces');
    this.held = [bytes];
    this.expect('sparse-map', BLOCK_BYTES);
  }

  /** `before`: bytes of the stored content that were its map. */
  private start(segments: Segment[] | undefined, before: number): void {
    const entry = this.entryOf(segments !== undefined);
    const stored = entry.type === 'file' ? (this.pax?.size ?? this.header?.size ?? 0) : 0;
    if (stored < before) throw malformed('a sparse file is shorter than its map');
    this.sparse = segments !== undefined;
    this.at = 0;
    if (segments) this.map.begin(segments, stored - before, entry.sizeBytes);
    this.pax = undefined;
    this.longName = undefined;
    this.longLink = undefined;
    this.headerBytes = 0;
    this.expect('content', stored - before, entry.type === 'file' ? paddingOf(stored) : 0);
    this.out.push({ kind: 'entry', entry });
  }

  private entryOf(sparse: boolean): TarEntry {
    const header = this.header as Header;
    const { pax } = this;
    const path = pax?.sparse?.name ?? pax?.path ?? this.longName ?? header.path;
    const named = TYPES[header.flag];
    if (!named) throw malformed(`${JSON.stringify(path)} has the unknown type ${JSON.stringify(header.flag)}`);
    const type = named === 'file' && header.flag !== 'S' && path.endsWith('/') ? 'directory' : named; // before POSIX
    const mtime: TarTime = pax?.mtime ?? { seconds: header.mtimeSeconds, nanoseconds: 0 };
    const size = type === 'file' ? (sparse ? this.realSize : (pax?.size ?? header.size)) : 0;
    return {
      type,
      path,
      linkPath: type === 'hard-link' || type === 'symlink' ? (pax?.linkPath ?? this.longLink ?? header.linkPath) : '',
      mode: header.mode,
      uid: idOf(pax?.uid ?? header.uid, path),
      gid: idOf(pax?.gid ?? header.gid, path),
      sizeBytes: size,
      mtime,
      major: header.major,
      minor: header.minor,
      xattrs: pax?.xattrs ?? [],
    };
  }
}

/** The greatest id: 2^32-1 is none (chown(2)). */
const MOST_ID = 2 ** 32 - 2;

function idOf(id: number, path: string): number {
  if (id < 0 || id > MOST_ID) throw malformed(`the owner of ${JSON.stringify(path)} is no id: ${id}`);
  return id;
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}

/** Files that were found → the bytes of a tar archive. */
import type { FileFacts } from './file-facts.js';
import { findSegments, READ_BYTES, readContent, readSmall } from './read-content.js';
import { paddingOf, type Segment, type TarEntry } from './tar/entry.js';
import { END_MARK, headerOf } from './tar/writer.js';
import type { TreeSession } from './tree-session.js';
import type { Batch, Found } from './walk-tree.js';

export interface PackOptions {
  clampSeconds?: number | undefined;
  /** Counted up. */
  counts: { entries: number };
}

/** Small files whose content is asked for before its turn. */
const AHEAD = 16;
const CHUNK_BYTES = 256 * 1024;
/** Smaller files are not looked at for holes. */
const SPARSE_FROM_BYTES = 65536;
/** Attributes that belong to a file wherever it is. Others are of this machine, or overlayfs's. */
const KEPT_XATTR = /^(user\.(?!overlay\.)|trusted\.(?!overlay\.)|security\.capability$|system\.posix_acl_)/;

export async function* packEntries(
  session: TreeSession,
  batches: AsyncIterable<Batch>,
  options: PackOptions,
): AsyncGenerator<Buffer> {
  yield* joined(entriesOf(session, batches, options));
}

async function* entriesOf(
  session: TreeSession,
  batches: AsyncIterable<Batch>,
  options: PackOptions,
): AsyncGenerator<Buffer> {
  const names = new Map<string, string>();
  for await (const batch of batches) {
    const ahead = new ReadAhead(session, batch);
    for (const [index, found] of batch.entries()) {
      if (found.kind === 'file' && found.facts.type === 'socket') continue;
      options.counts.entries++;
      if (found.kind === 'mark') {
        yield headerOf(markEntry(found.path)).bytes;
        continue;
      }
      const entry = entryOf(found, options);
      const first = firstName(names, found);
      if (first !== undefined) yield headerOf({ ...entry, type: 'hard-link', linkPath: first, sizeBytes: 0 }).bytes;
      else if (entry.type !== 'file') yield headerOf(entry).bytes;
      else yield* fileBytes(session, found, entry, ahead.take(index));
    }
  }
  yield END_MARK;
}

async function* fileBytes(
  session: TreeSession,
  { path, facts, root }: Found & { kind: 'file' },
  entry: TarEntry,
  small: Promise<Buffer> | undefined,
): AsyncGenerator<Buffer> {
  const mayBeSparse = facts.sizeBytes >= SPARSE_FROM_BYTES && facts.heldBytes < facts.sizeBytes;
  const segments = mayBeSparse ? await findSegments(session, path, root, facts.sizeBytes) : undefined;
  const { bytes, contentBytes } = headerOf(
    entry,
    segments && hasHoles(segments, facts.sizeBytes) ? segments : undefined,
  );
  yield bytes;
  if (small) yield await small;
  else yield* readContent(session, path, root, segments ?? [{ offset: 0, bytes: facts.sizeBytes }]);
  yield PADDING.subarray(0, paddingOf(contentBytes));
}

const PADDING = Buffer.alloc(512);

function hasHoles(segments: readonly Segment[], size: number): boolean {
  return segments.length !== 1 || segments[0]?.offset !== 0 || segments[0].bytes !== size;
}

/** Content of the small files of a batch, some of it before its turn. */
class ReadAhead {
  private readonly asked = new Map<number, Promise<Buffer>>();
  private next = 0;

  constructor(
    private readonly session: TreeSession,
    private readonly batch: Batch,
  ) {}

  take(index: number): Promise<Buffer> | undefined {
    for (; this.next < this.batch.length && this.next <= index + AHEAD; this.next++) {
      const found = this.batch[this.next];
      if (found?.kind !== 'file' || found.facts.type !== 'file') continue;
      const { sizeBytes, links } = found.facts;
      if (sizeBytes === 0 || sizeBytes > READ_BYTES || (links > 1 && this.next !== index)) continue;
      const reading = readSmall(this.session, found.path, found.root, sizeBytes);
      reading.catch(() => {}); // told in its turn
      this.asked.set(this.next, reading);
    }
    const reading = this.asked.get(index);
    this.asked.delete(index);
    return reading;
  }
}

/** The name that a file has in the archive already. */
function firstName(names: Map<string, string>, { path, facts }: Found & { kind: 'file' }): string | undefined {
  if (facts.links < 2 || facts.type === 'directory') return undefined;
  const known = names.get(facts.identity);
  if (known === undefined) names.set(facts.identity, path);
  return known;
}

function entryOf({ path, facts }: Found & { kind: 'file' }, { clampSeconds }: PackOptions): TarEntry {
  return {
    type: facts.type as TarEntry['type'],
    path: facts.type === 'directory' ? `${path === '' ? '.' : path}/` : path,
    linkPath: facts.target,
    mode: facts.mode,
    uid: facts.uid,
    gid: facts.gid,
    sizeBytes: facts.type === 'file' ? facts.sizeBytes : 0,
    mtime: clamp(facts.mtime, clampSeconds),
    major: facts.major,
    minor: facts.minor,
    xattrs: facts.xattrs.filter(([name]) => KEPT_XATTR.test(name)),
  };
}

function clamp(mtime: FileFacts['mtime'], clampSeconds: number | undefined): FileFacts['mtime'] {
  const isLater =
    clampSeconds !== undefined &&
    (mtime.seconds > clampSeconds || (mtime.seconds === clampSeconds && mtime.nanoseconds > 0));
  return isLater ? { seconds: clampSeconds, nanoseconds: 0 } : mtime;
}

/** What stands for a whiteout has no content, and nobody asks for its owner or time. */
function markEntry(path: string): TarEntry {
  return {
    type: 'file',
    path,
    linkPath: '',
    mode: 0,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    major: 0,
    minor: 0,
    xattrs: [],
  };
}

/** Larger chunks: each costs whoever compresses them a turn of the event loop. */
async function* joined(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    if (piece.length === 0) continue;
    held.push(piece);
    bytes += piece.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

/** Packs what a container changed, or a whole tree, as a layer of an image. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Digest } from '../descriptor.js';
import { compress, type LayerCompression, MEDIA_TYPES } from './compress.js';
import type { IdMaps } from './layer-form.js';
import { packEntries } from './pack-entries.js';
import { TreeSession } from './tree-session.js';
import { type Batch, walkChanges, walkTree, walkUpper } from './walk-tree.js';

/** What becomes a layer. */
export type LayerSource =
  /** An upper directory of overlayfs: its whiteouts and opaque directories become `.wh.` entries. */
  | { kind: 'upper'; upper: string }
  /** Two whole trees: what `changed` has otherwise than `base`, and whiteouts for what it lacks. */
  | { kind: 'changes'; base: string; changed: string }
  /** All of a tree. */
  | { kind: 'tree'; tree: string };

export interface PackRequest {
  from: LayerSource;
  compression: LayerCompression;
  /** As for unpacking: owners are written as the ids inside. */
  idMaps?: IdMaps | undefined;
  /** Later times become this one (SOURCE_DATE_EPOCH, reproducible-builds.org). Seconds. */
  clampSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface PackedLayer {
  mediaType: string;
  /** The blob. It fails with what went wrong, also when a file becomes shorter while it is read. */
  stream: Readable;
  /** Known when the stream has ended. Rejects when it failed. */
  done: Promise<PackedFacts>;
}

export interface PackedFacts {
  digest: Digest;
  diffId: Digest;
  /** Of the blob. */
  sizeBytes: number;
  entries: number;
}

/**
 * The same tree and request give the same bytes, as long as zlib or zstd are the same. Sockets are left out, as by tar. Errors of the
 * stream: `operation`; `host` for a missing program.
 */
export function packLayer(request: PackRequest): PackedLayer {
  let resolve: (facts: PackedFacts) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const done = new Promise<PackedFacts>((good, bad) => {
    resolve = good;
    reject = bad;
  });
  done.catch(() => {}); // whoever reads the stream is told too
  const stream = Readable.from(packed(request, resolve), { objectMode: false, highWaterMark: 1 << 20 });
  stream.once('error', reject);
  stream.once('close', () => reject(new Error('the layer was not read to its end')));
  return { mediaType: MEDIA_TYPES[request.compression], stream, done };
}

async function* packed(request: PackRequest, tell: (facts: PackedFacts) => void): AsyncGenerator<Buffer> {
  const { from, compression, idMaps, clampSeconds } = request;
  const roots = from.kind === 'tree' ? [from.tree] : from.kind === 'upper' ? [from.upper] : [from.base, from.changed];
  const session = await TreeSession.open(roots, idMaps);
  try {
    const [plain, blob] = [createHash('sha256'), createHash('sha256')];
    const counts = { entries: 0 };
    const archive = watched(packEntries(session, walk(from, session), { clampSeconds, counts }), request, (chunk) => {
      plain.update(chunk);
    });
    let sizeBytes = 0;
    for await (const chunk of compress(compression, archive)) {
      blob.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
    const [digest, diffId] = [blob, plain].map((hash): Digest => `sha256:${hash.digest('hex')}`) as [Digest, Digest];
    tell({ digest, diffId, sizeBytes, entries: counts.entries });
  } finally {
    session.close();
  }
}

function walk(from: LayerSource, session: TreeSession): AsyncGenerator<Batch> {
  if (from.kind === 'tree') return walkTree(session);
  return from.kind === 'upper' ? walkUpper(session) : walkChanges(session);
}

async function* watched(
  chunks: AsyncIterable<Buffer>,
  { signal }: PackRequest,
  look: (chunk: Buffer) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    look(chunk);
    yield chunk;
  }
}

/** Unpacks one layer of an image into a directory. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { VlabError } from '../../base/errors.js';
import type { Digest } from '../descriptor.js';
import type { IdMaps, LayerForm } from './layer-form.js';
import { rootNode } from './layer-tree.js';
import { LayerUnpacker } from './layer-unpacker.js';
import { DEFAULT_LIMITS, type LayerLimits } from './limits.js';
import { Policy } from './policy.js';
import { type TarEvent, TarReader } from './tar/reader.js';
import { TreeSession } from './tree-session.js';
import { TreeWriter } from './tree-writer.js';
import { uncompress } from './uncompress.js';
import { WatchedSource, wrongDigest } from './watched-source.js';

export interface UnpackRequest {
  /** The blob: a path, or what reads it. Whoever gives a stream verifies its digest, or lets `digest` do it. */
  source: Readable | string;
  /** Of the layer's descriptor, for messages: the first bytes of the blob say what it is compressed with, as for docker. */
  mediaType?: string | undefined;
  /** A directory that is there. With form `overlay` it is empty and nobody else's. With maps it is owned by id 0 inside. */
  into: string;
  form: LayerForm;
  idMaps?: IdMaps | undefined;
  /** What the blob must have, where nobody has verified it yet. */
  digest?: Digest | undefined;
  /** What the uncompressed stream must have (rootfs.diff_ids of the image's configuration). */
  diffId?: Digest | undefined;
  limits?: Partial<LayerLimits> | undefined;
  signal?: AbortSignal | undefined;
  /** Compressed bytes that were read so far. */
  progress?: ((bytes: number) => void) | undefined;
}

export interface UnpackedLayer {
  diffId: Digest;
  entries: number;
  /** Of the uncompressed stream. */
  bytes: number;
  /** What this user or file system cannot keep and was left out, one line each (device nodes, attributes of others), at most 100. */
  leftOut: string[];
}

/**
 * What fails leaves a part of the layer in `into`: the caller removes it, or unpacks into a directory that it renames.
 * Errors: `input` for a layer that is malformed, leads out of its root, grows past a limit or has another digest; `host` for a
 * full disk or a missing program; `operation` for the rest.
 */
export async function unpackLayer(request: UnpackRequest): Promise<UnpackedLayer> {
  const { into, form, idMaps } = request;
  const isEmpty = readdirSync(into).length === 0;
  if (form === 'overlay' && !isEmpty) {
    throw new VlabError('operation', `${into} is not empty: a layer gets a directory of its own`);
  }
  const session = await TreeSession.open([into], idMaps);
  try {
    const policy = new Policy(idMaps, form);
    const unpacker = new LayerUnpacker(new TreeWriter(session), rootNode(isEmpty), form, policy);
    return { ...(await readInto(unpacker, request)), leftOut: policy.leftOut };
  } finally {
    session.close();
  }
}

async function readInto(unpacker: LayerUnpacker, request: UnpackRequest): Promise<Omit<UnpackedLayer, 'leftOut'>> {
  const limits = { ...DEFAULT_LIMITS, ...request.limits };
  const source = new WatchedSource(request);
  const reader = new TarReader(limits.maxHeaderBytes);
  const hash = createHash('sha256');
  let [entries, bytes] = [0, 0];
  for await (const chunk of uncompress(source)) {
    hash.update(chunk);
    bytes += chunk.length;
    mustBeWithin(limits, entries, bytes, source.bytes);
    for (const event of reader.push(chunk)) {
      if (event.kind === 'entry' && ++entries > limits.maxEntries) mustBeWithin(limits, entries, bytes, source.bytes);
      const wait = take(unpacker, event);
      if (wait) await wait;
    }
  }
  reader.finish();
  const diffId: Digest = `sha256:${hash.digest('hex')}`;
  if (request.diffId && request.diffId !== diffId) throw wrongDigest('uncompressed layer', diffId, request.diffId);
  await unpacker.finish();
  return { diffId, entries, bytes };
}

function take(unpacker: LayerUnpacker, event: TarEvent): Promise<void> | undefined {
  if (event.kind === 'content') return unpacker.content(event.offset, event.bytes);
  if (event.kind === 'entry') return unpacker.entry(event.entry);
  unpacker.whole();
  return undefined;
}

function mustBeWithin(limits: LayerLimits, entries: number, bytes: number, compressedBytes: number): void {
  const { maxBytes, maxEntries, maxRatio, ratioFromBytes } = limits;
  const why =
    bytes > maxBytes
      ? `it has more than ${maxBytes} bytes`
      : entries > maxEntries
        ? `it has more than ${maxEntries} entries`
        : bytes > ratioFromBytes && bytes > compressedBytes * maxRatio
          ? `it grows to more than ${maxRatio} times what was read`
          : undefined;
  if (!why) return;
  throw new VlabError('input', `the layer is taken for a decompression bomb: ${why}`, {
    hint: 'do not use an image whose makers you do not trust',
  });
}

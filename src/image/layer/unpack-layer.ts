/** Unpacks one layer of an image into a directory. */
import type { Readable } from 'node:stream';
import { VlabError } from '../../base/errors.js';
import type { Digest } from '../descriptor.js';
import type { IdMaps, LayerForm } from './layer-form.js';
import type { LayerLimits } from './limits.js';

export interface UnpackRequest {
  /** The blob: a path, or what reads it. Whoever gives a stream verifies its digest, or lets `digest` do it. */
  source: Readable | string;
  /** Of the layer's descriptor. What the first bytes say (gzip, zstd, xz, bzip2 or none) goes before it, as docker does. */
  mediaType: string;
  /** A directory that is there. With form `overlay` it is empty and nobody else's. */
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
  throw new VlabError('operation', `layers cannot be unpacked into ${request.into} yet`);
}

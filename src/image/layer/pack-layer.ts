/** Packs what a container changed, or a whole tree, as a layer of an image. */
import type { Readable } from 'node:stream';
import { VlabError } from '../../base/errors.js';
import type { Digest } from '../descriptor.js';
import type { IdMaps } from './layer-form.js';

export type LayerCompression = 'none' | 'gzip' | 'zstd';

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
  /** The blob. It fails with what went wrong, also when the tree changes while it is read. */
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

/** The same tree and request give the same bytes. Errors of the stream: `operation`; `host` for a missing program. */
export function packLayer(request: PackRequest): PackedLayer {
  throw new VlabError('operation', `layers cannot be packed from ${request.from.kind} yet`);
}

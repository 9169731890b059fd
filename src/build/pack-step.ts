/** What a step changed becomes a layer of the image store. */

import { chainIds } from '../image/config.js';
import { type LayerSource, packLayer } from '../image/layer/pack-layer.js';
import type { ImageLayer } from '../image/store/image.js';
import type { Hold, ImageStore } from '../image/store/image-store.js';
import { ownIdMaps } from '../storage/own-id-maps.js';
import type { CachedStep } from './step-cache.js';

export interface Packing {
  store: ImageStore;
  hold: Hold;
  /** SOURCE_DATE_EPOCH */
  epochSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Errors: those of packLayer and of the store. */
export async function packStep(from: LayerSource, packing: Packing): Promise<NonNullable<CachedStep['layer']>> {
  const { store, hold, epochSeconds, signal } = packing;
  const packed = packLayer({ from, compression: 'gzip', clampSeconds: epochSeconds, idMaps: ownIdMaps(), signal });
  const [{ digest, size }, facts] = await Promise.all([store.blobs.ingest(packed.stream, hold), packed.done]);
  return { descriptor: { mediaType: packed.mediaType, digest, size }, diffId: facts.diffId };
}

/** The layers with one more above them. */
export function withLayer(layers: readonly ImageLayer[], added: NonNullable<CachedStep['layer']>): ImageLayer[] {
  const chain = chainIds([...layers.map(({ diffId }) => diffId), added.diffId]);
  return [...layers, { ...added, chainId: chain.at(-1) ?? added.diffId }];
}

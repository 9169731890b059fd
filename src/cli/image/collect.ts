/** What goes when images have gone. */
import type { ImageStore } from '../../image/store/image-store.js';

/** Bytes that were given back. */
export async function collect(store: ImageStore, options: { partial?: boolean } = {}): Promise<number> {
  const { bytes } = await store.collectGarbage(options);
  return bytes;
}

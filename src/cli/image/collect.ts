/** What goes when images have gone: their blobs, and the layers that were unpacked from them. */
import type { ImageStore } from '../../image/store/image-store.js';
import { collectSnapshots } from '../../storage/collect-snapshots.js';

/** Bytes that were given back. */
export async function collect(store: ImageStore, options: { partial?: boolean } = {}): Promise<number> {
  const { bytes } = await store.collectGarbage(options);
  const snapshots = await collectSnapshots(await store.list());
  return bytes + snapshots.bytes;
}

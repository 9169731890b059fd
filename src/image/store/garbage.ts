/** What images need of the blobs, and the rest. */
import { VlabError } from '../../base/errors.js';
import type { Descriptor, Digest } from '../descriptor.js';
import { isIndexType, isManifestType, parseIndex, parseManifest } from '../manifest.js';
import type { BlobStore } from './image-store.js';

/** All digests that the entries lead to, there or not. A blob that is missing or broken leads nowhere. */
export async function reachableFrom(
  blobs: Pick<BlobStore, 'read'>,
  entries: readonly Descriptor[],
): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  const waiting = [...entries];
  for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
    if (found.has(entry.digest)) continue;
    found.add(entry.digest);
    waiting.push(...(await childrenOf(blobs, entry)));
  }
  return found;
}

async function childrenOf(blobs: Pick<BlobStore, 'read'>, { mediaType, digest }: Descriptor): Promise<Descriptor[]> {
  try {
    if (isIndexType(mediaType)) return parseIndex(await blobs.read(digest), digest).manifests;
    if (!isManifestType(mediaType)) return [];
    const { config, layers } = parseManifest(await blobs.read(digest), digest);
    return [config, ...layers];
  } catch (error) {
    if (error instanceof VlabError) return [];
    throw error; // a disk that cannot be read now may be so later
  }
}

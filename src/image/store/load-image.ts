/** Reads an image out of blobs: what a descriptor of a manifest leads to. */
import { VlabError } from '../../base/errors.js';
import { chainIds, mustHaveLayers, parseImageConfig } from '../config.js';
import type { Descriptor, Platform } from '../descriptor.js';
import {
  compressionOf,
  type ImageManifest,
  isIndexType,
  isManifestType,
  parseIndex,
  parseManifest,
} from '../manifest.js';
import { chooseManifest, platformName } from '../platform.js';
import type { Image } from './image.js';
import type { BlobStore } from './image-store.js';

/** Configurations are JSON that is kept in memory. */
export const MOST_CONFIG_BYTES = 8 * 1024 * 1024;
const NEVER = '1970-01-01T00:00:00Z';

/** An image but for its names. */
export type NamelessImage = Omit<Image, 'references' | 'repoDigests'>;

/** `entry` leads to a manifest, or to an index with one for `platform`. Errors (`operation`): a blob is missing or broken, or it is no image. */
export async function loadImage(
  blobs: Pick<BlobStore, 'read'>,
  entry: Descriptor,
  platform: Platform,
): Promise<NamelessImage> {
  const { annotations: _, ...plain } = entry;
  if (isIndexType(entry.mediaType)) {
    const index = parseIndex(await blobs.read(entry.digest), entry.digest);
    const chosen = chooseManifest(index.manifests, platform);
    if (!chosen || isIndexType(chosen.mediaType)) {
      throw new VlabError('operation', `the index ${entry.digest} has no image for ${platformName(platform)}`);
    }
    return await loadImage(blobs, chosen, platform);
  }
  if (!isManifestType(entry.mediaType)) {
    throw new VlabError('operation', `${entry.digest} is no image: its type is ${JSON.stringify(entry.mediaType)}`);
  }
  const manifest = parseManifest(await blobs.read(entry.digest), entry.digest);
  mustBeImage(manifest, entry.digest);
  const config = parseImageConfig(await blobs.read(manifest.config.digest, MOST_CONFIG_BYTES), manifest.config.digest);
  mustHaveLayers(config, manifest.layers.length, entry.digest);
  const chain = chainIds(config.rootfs.diff_ids);
  const layers = manifest.layers.map((descriptor, at) => {
    const [diffId, chainId] = [config.rootfs.diff_ids[at], chain[at]];
    if (diffId === undefined || chainId === undefined) throw new Error('there are as many as layers');
    return { descriptor, diffId, chainId };
  });
  return {
    id: manifest.config.digest,
    manifestDigest: entry.digest,
    descriptor: plain,
    manifest,
    config,
    layers,
    createdAt: config.created ?? NEVER,
    sizeBytes: sizesOf(entry, manifest),
  };
}

/** Error (`operation`): it is an artifact, or has a layer that cannot be unpacked here. */
export function mustBeImage(manifest: ImageManifest, name: string): void {
  const odd = manifest.layers.find(({ mediaType }) => compressionOf(mediaType) === undefined);
  if (odd) {
    throw new VlabError(
      'operation',
      `${name} is no image that can be used here: a layer is ${JSON.stringify(odd.mediaType)}`,
    );
  }
}

function sizesOf(entry: Descriptor, { config, layers }: ImageManifest): number {
  const blobs = new Map([entry, config, ...layers].map(({ digest, size }) => [digest, size]));
  return [...blobs.values()].reduce((all, size) => all + size, 0);
}

/** An image as the store has it: a value. */
import type { ImageConfig } from '../config.js';
import type { Descriptor, Digest } from '../descriptor.js';
import type { ImageManifest } from '../manifest.js';

export interface ImageLayer {
  descriptor: Descriptor;
  /** Of the layer's tar, uncompressed. */
  diffId: Digest;
  /** Names the layer together with all that is under it. */
  chainId: Digest;
}

export interface Image {
  /** The digest of its configuration. */
  id: Digest;
  manifestDigest: Digest;
  /** The descriptor of the manifest; without what index.json notes of it. */
  descriptor: Descriptor;
  manifest: ImageManifest;
  config: ImageConfig;
  /** Whole names, `docker.io/library/busybox:latest`, in the order in which they were given. */
  references: string[];
  /** `docker.io/library/busybox@sha256:…`, as registries know it or an index that leads to it. */
  repoDigests: string[];
  /** The lowest first. */
  layers: ImageLayer[];
  /** RFC 3339: when it was made, by its configuration; '1970-01-01T00:00:00Z' where that does not say. */
  createdAt: string;
  /** Of its blobs in the store: layers as they are packed, configuration and manifest. */
  sizeBytes: number;
}

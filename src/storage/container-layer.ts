/**
 * What a container has of its own on disk, in `layer/` of its directory: what it changes above its image, or a copy of the image where no
 * overlay can be mounted. A container's directory may be renamed: nothing in it holds its path.
 */
import { VlabError } from '../base/errors.js';
import type { Image } from '../image/store/image.js';
import type { BlobStore } from '../image/store/image-store.js';
import type { RootMount } from './root-mount.js';

export type StorageDriver = 'overlay' | 'fuse-overlayfs' | 'reflink' | 'copy';

export interface NewLayer {
  /** The container's directory, also while it has another name until it is whole. */
  directory: string;
  image: Pick<Image, 'id' | 'layers'>;
  blobs: BlobStore;
  /** It is removed when it ends: nothing needs to reach the disk. */
  volatile?: boolean;
  /** `--storage-opt size=`: most bytes that the container may write. */
  sizeBytes?: number | undefined;
  /** Default: the first that works here. */
  driver?: StorageDriver | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Makes sure that the image is unpacked, and gives the container a layer above it. Errors: those of ensureSnapshot; `host` where this
 * machine cannot do what was asked.
 */
export async function newLayer(request: NewLayer): Promise<void> {
  throw new VlabError('operation', `no layer can be made in ${request.directory} yet`);
}

/** How the root of the container in `directory` is mounted. `config.root.path` is rootPathOf of it. Error (`operation`): it has no layer. */
export function rootMountOf(directory: string): RootMount {
  throw new VlabError('operation', `${directory} has no layer`);
}

/** One path that differs from the image (docker's `diff`): added, changed or deleted. */
export interface Change {
  kind: 'A' | 'C' | 'D';
  /** Absolute, in the container. */
  path: string;
}

/** Sorted by path. */
export async function diffOf(directory: string): Promise<Change[]> {
  throw new VlabError('operation', `${directory} has no layer`);
}

/** Removes the layer and all in it, also when it was half removed before. */
export async function removeLayer(directory: string): Promise<void> {
  throw new VlabError('operation', `${directory} has no layer`);
}

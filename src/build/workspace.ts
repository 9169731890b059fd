/**
 * Directories of one step of a build. They lie among those of containers that are being made, so that nobody removes the snapshots
 * that their layers stand on, and the next command removes what a killed build left.
 */
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureContainersDir } from '../engine/record/records.js';
import type { ImageLayer } from '../image/store/image.js';
import type { BlobStore } from '../image/store/image-store.js';
import { newLayer, removeLayer, rootMountOf } from '../storage/container-layer.js';
import type { RootMount } from '../storage/root-mount.js';
import { ownName } from '../sys/own-name.js';
import { LayeredTree } from './files/layered-tree.js';
import { DirectoryTree, type Tree } from './files/tree.js';

/** No container's directory is called so. */
const PREFIX = ',';

export class Workspace implements AsyncDisposable {
  readonly directory = join(ensureContainersDir(), ownName(PREFIX));

  readonly #layers: string[] = [];

  constructor() {
    mkdirSync(this.directory, { mode: 0o700 });
  }

  /** Where a layer over an image is made: a directory beside this one, as a container has. */
  inner(): string {
    const path = join(ensureContainersDir(), ownName(PREFIX));
    mkdirSync(path, { mode: 0o700 });
    this.#layers.push(path);
    return path;
  }

  /** An empty directory in it. */
  place(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path, { mode: 0o755 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#layers) await removeLayer(path);
    for (const path of [...this.#layers, this.directory]) await rm(path, { recursive: true, force: true });
  }
}

/** What the layers look like together. `directory`: of Workspace.inner, which holds them. */
export async function treeOf(
  directory: string,
  layers: readonly ImageLayer[],
  { blobs, signal }: { blobs: BlobStore; signal?: AbortSignal | undefined },
): Promise<Tree> {
  const id = layers.at(-1)?.chainId ?? 'sha256:0';
  await newLayer({ directory, image: { id, layers: [...layers] }, blobs, volatile: true, signal });
  return treeOfRoot(rootMountOf(directory));
}

function treeOfRoot(root: RootMount): Tree {
  if (root.kind === 'directory') return new DirectoryTree(root.path);
  const userXattr = root.kind === 'overlay' && root.userXattr;
  return new LayeredTree(
    root.lower.map(({ path }) => path),
    userXattr,
  );
}

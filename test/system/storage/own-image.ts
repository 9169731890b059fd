/** Images for tests of storage: layers as tars in memory, and a data directory of a test's own. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { mustRun } from '../../../src/base/exec.js';
import type { Digest } from '../../../src/image/descriptor.js';
import type { Image } from '../../../src/image/store/image.js';
import type { BlobStore } from '../../../src/image/store/image-store.js';
import { putBusybox } from './layers-for-tests.js';

export interface OwnImage {
  image: Pick<Image, 'id' | 'layers'>;
  blobs: Pick<BlobStore, 'open'>;
}

/** Files of one layer: path → content; null is a whiteout; a path that ends with `/` is a directory, opaque when it says so. */
export type LayerFiles = Record<string, string | null>;

/** An image whose lowest layer has busybox as well. */
export async function ownImage(...layers: LayerFiles[]): Promise<OwnImage> {
  const tars = await Promise.all(layers.map((files, index) => tarOf(files, index === 0)));
  const digests = tars.map(digestOf);
  const chains: Digest[] = [];
  for (const digest of digests) {
    const parent = chains.at(-1);
    chains.push(parent === undefined ? digest : digestOf(Buffer.from(`${parent} ${digest}`)));
  }
  const byDigest = new Map(digests.map((digest, index) => [digest, tars[index]]));
  return {
    image: {
      id: digestOf(Buffer.from(digests.join())),
      layers: digests.map((digest, index) => ({
        descriptor: { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: tars[index]?.length ?? 0 },
        diffId: digest,
        chainId: chains[index] as Digest,
      })),
    },
    blobs: { open: ({ digest }) => Readable.from([byDigest.get(digest)]) },
  };
}

const digestOf = (bytes: Buffer): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function tarOf(files: LayerFiles, hasBusybox: boolean): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-layer-'));
  try {
    const tree = join(folder, 'tree');
    mkdirSync(tree, { mode: 0o755 });
    if (hasBusybox) putBusybox(tree);
    for (const [path, content] of Object.entries(files)) {
      const name = content === null ? join(dirname(path), `.wh.${path.split('/').at(-1)}`) : path;
      const target = join(tree, name);
      mkdirSync(path.endsWith('/') ? target : dirname(target), { recursive: true });
      if (path.endsWith('/')) {
        if (content === 'opaque') writeFileSync(join(target, '.wh..wh..opq'), '');
      } else writeFileSync(target, content ?? '');
    }
    const tar = join(folder, 'layer.tar');
    await mustRun('tar', ['--sort=name', '-cf', tar, '-C', tree, '.']);
    return readFileSync(tar);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Images as one tar: an OCI image layout, and beside it the manifest.json of docker's archives, so that `docker load`,
 * `podman load` and skopeo's oci-archive: and docker-archive: all read it. What docker itself saves since version 25 is the same.
 */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';
import type { Descriptor, Digest } from '../descriptor.js';
import { algorithmOf, hexOf } from '../digest.js';
import { OCI_INDEX } from '../manifest.js';
import { familiarName, parseReference } from '../reference.js';
import type { Image } from '../store/image.js';
import type { ImageStore } from '../store/image-store.js';
import { CONTAINERD_NAME, REF_NAME } from '../store/names.js';

export type ArchiveFormat = 'docker-archive' | 'oci-archive';

/** An image, and the names that it goes by in the archive: whole ones. */
export interface SavedImage {
  image: Image;
  references: readonly string[];
}

/** The tar. It fails when a blob is missing or broken. It is the same, byte by byte, for the same images. */
export async function saveImages(
  store: Pick<ImageStore, 'blobs'>,
  images: readonly SavedImage[],
  format: ArchiveFormat,
): Promise<Readable> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  void write(tar, store, images, format).catch((error: unknown) => tar.destroy(error as Error));
  return tar as unknown as Readable;
}

async function write(
  tar: Pack,
  store: Pick<ImageStore, 'blobs'>,
  images: readonly SavedImage[],
  format: ArchiveFormat,
): Promise<void> {
  const json = (name: string, value: unknown) => tar.entry({ ...FILE, name }, JSON.stringify(value));
  json('oci-layout', { imageLayoutVersion: '1.0.0' });
  json('index.json', { schemaVersion: 2, mediaType: OCI_INDEX, manifests: images.flatMap(entriesOf) });
  if (format === 'docker-archive') json('manifest.json', images.map(dockerEntry));
  for (const name of ['blobs/', 'blobs/sha256/']) tar.entry({ ...FILE, name, mode: 0o755, type: 'directory' });
  const blobs = images.flatMap(({ image }) => [image.descriptor, image.manifest.config, ...image.manifest.layers]);
  for (const blob of new Map(blobs.map((each) => [each.digest, each])).values()) {
    const entry = tar.entry({ ...FILE, name: placeOf(blob.digest), size: blob.size });
    await pipeline(store.blobs.open(blob), entry);
  }
  tar.finalize();
}

const FILE = { mode: 0o644, mtime: new Date(0) };

function placeOf(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

function entriesOf({ image, references }: SavedImage): Descriptor[] {
  const named = references.map((name) => ({
    ...image.descriptor,
    annotations: { [CONTAINERD_NAME]: name, [REF_NAME]: name },
  }));
  return named.length > 0 ? named : [image.descriptor];
}

/** docker's image specification 1.2, "Combined Image JSON + Filesystem Changeset Format". */
function dockerEntry({ image, references }: SavedImage): unknown {
  return {
    Config: placeOf(image.id),
    RepoTags: references.map((name) => familiarName(parseReference(name))),
    Layers: image.manifest.layers.map(({ digest }) => placeOf(digest)),
  };
}

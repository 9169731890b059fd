/** Takes the images of an archive into the store: docker's archives, old and new, and OCI's. */
import type { Readable } from 'node:stream';
import * as v from 'valibot';
import { VlabError } from '../../base/errors.js';
import { parseImageConfig } from '../config.js';
import type { Descriptor } from '../descriptor.js';
import { digestOf } from '../digest.js';
import {
  type Compression,
  type ImageManifest,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
  parseIndex,
  parseJsonAs,
} from '../manifest.js';
import { parseReference, type Reference, withDefaultTag } from '../reference.js';
import type { Image } from '../store/image.js';
import { type ImageStore, openImageStore } from '../store/image-store.js';
import { MOST_CONFIG_BYTES } from '../store/load-image.js';
import { nameOf } from '../store/names.js';
import { type ArchiveContent, type ArchivedFile, readArchive } from './archive-reader.js';

export interface LoadedImage {
  image: Image;
  /** Whole; undefined: the archive has no name for it. */
  reference: string | undefined;
}

const DockerManifest = v.array(
  v.looseObject({
    Config: v.string(),
    RepoTags: v.nullish(v.array(v.string()), []),
    Layers: v.nullish(v.array(v.string()), []),
  }),
);

/**
 * All images of the archive, each once for every name. Errors: (`input`) it is no archive of images, or refers to what is not in
 * it; (`operation`) a blob has another digest than it should; those of the disk.
 */
export async function loadImages(source: Readable, given?: ImageStore): Promise<LoadedImage[]> {
  const store = given ?? (await openImageStore());
  try {
    return await takeIn(source, store);
  } finally {
    // what was in the archive and belongs to no image, or to one that was refused
    await store.collectGarbage();
  }
}

async function takeIn(source: Readable, store: ImageStore): Promise<LoadedImage[]> {
  await using hold = await store.hold();
  const content = await readArchive(source, store, hold);
  if (content.index) return await fromLayout(content.index, store);
  return await fromDocker(content, store, async (bytes, mediaType) => {
    await hold.add(digestOf(bytes));
    return await store.blobs.put(bytes, mediaType);
  });
}

async function fromLayout(index: Buffer, store: ImageStore): Promise<LoadedImage[]> {
  const loaded: LoadedImage[] = [];
  for (const entry of parseIndex(index, 'of the archive').manifests) {
    const reference = nameOf(entry);
    const image = await store.add(entry, reference === undefined ? {} : { reference: parseReference(reference) });
    loaded.push({ image, reference });
  }
  return loaded;
}

type Put = (bytes: Buffer, mediaType: string) => Promise<Descriptor>;

async function fromDocker(content: ArchiveContent, store: ImageStore, put: Put): Promise<LoadedImage[]> {
  if (!content.manifest) {
    throw new VlabError('input', 'this is no archive of images: it has neither index.json nor manifest.json', {
      hint: 'a root file system becomes an image with: vlab import',
    });
  }
  const loaded: LoadedImage[] = [];
  for (const { Config, RepoTags, Layers } of parseJsonAs(content.manifest, DockerManifest, 'manifest.json')) {
    const descriptor = await dockerImage(content, { Config, Layers: Layers ?? [] }, store, put);
    const references: Reference[] = (RepoTags ?? []).map((name) => withDefaultTag(parseReference(name)));
    for (const reference of references.length > 0 ? references : [undefined]) {
      const image = await store.add(descriptor, reference ? { reference } : {});
      loaded.push({ image, reference: reference && `${reference.domain}/${reference.path}:${reference.tag}` });
    }
  }
  return loaded;
}

/** The manifest that the archive does not have: an OCI one, of the same configuration, so that the image's id is docker's. */
async function dockerImage(
  { files }: ArchiveContent,
  { Config, Layers }: { Config: string; Layers: string[] },
  store: ImageStore,
  put: Put,
): Promise<Descriptor> {
  const of = (path: string): ArchivedFile => {
    const file = files.get(path);
    if (file) return file;
    throw new VlabError('input', `manifest.json refers to ${JSON.stringify(path)}, which is not in the archive`);
  };
  const { digest, size } = of(Config);
  const config = parseImageConfig(await store.blobs.read(digest, MOST_CONFIG_BYTES), Config);
  const layers = Layers.map((path, at) => {
    const file = of(path);
    const diffId = config.rootfs.diff_ids[at];
    if (file.packing === 'none' && file.digest !== diffId) {
      throw new VlabError('operation', `the layer ${path} has the digest ${file.digest}, not ${diffId}`);
    }
    return { mediaType: layerType(file), digest: file.digest, size: file.size };
  });
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest, size },
    layers,
  };
  return await put(Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST);
}

function layerType({ packing }: ArchivedFile): string {
  if (packing === 'xz' || packing === 'bzip2') {
    throw new VlabError('input', `a layer is packed with ${packing}, which images have no name for`);
  }
  const suffix: Record<Compression, string> = { none: '', gzip: '+gzip', zstd: '+zstd' };
  return `${OCI_LAYER}${suffix[packing]}`;
}

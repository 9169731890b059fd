/** Brings an image of the store to its registry. */
import { VlabError } from '../base/errors.js';
import type { Descriptor, Digest } from './descriptor.js';
import type { PullEvent } from './pull-image.js';
import { parseReference, type Reference, referenceName, repositoryName, withDefaultTag } from './reference.js';
import { type Access, openTarget } from './registry/access.js';
import { inParallel } from './registry/mirrors.js';
import { type Pushed, pushBlob, pushManifest } from './registry/push.js';
import type { Repository } from './registry/repository.js';
import type { Image } from './store/image.js';
import { type ImageStore, openImageStore } from './store/image-store.js';

export type PushEvent =
  | Exclude<PullEvent, { kind: 'layer' }>
  | { kind: 'layer'; descriptor: Descriptor; state: 'waiting' | Pushed }
  | { kind: 'layer'; descriptor: Descriptor; state: 'moving'; doneBytes: number; allBytes: number };

export interface PushOptions {
  progress?: ((event: PushEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
  access?: Access | undefined;
  /** Default: this machine's. */
  store?: ImageStore | undefined;
}

export interface PushedImage {
  reference: string;
  digest: Digest;
  /** Of the manifest. */
  size: number;
}

/** As many as docker. */
const LAYERS_AT_ONCE = 5;

/** `text`: the name that the image has here, as people write it. Errors: (`input`) nothing has it; those of the registry. */
export async function pushImage(text: string, options: PushOptions = {}): Promise<PushedImage> {
  const { progress, signal } = options;
  const store = options.store ?? (await openImageStore());
  const reference = withDefaultTag(parseReference(text));
  const name = referenceName(reference);
  const image = await store.find(name);
  if (!image) {
    throw new VlabError('input', `An image does not exist locally with the tag: ${name}`, {
      hint: 'give an image this name first: vlab tag IMAGE NAME',
    });
  }
  await using target = await openTarget(reference, options.access);
  const to = firstOf(target.repositories);
  const mountFrom = otherRepository(image, reference);
  const push = async (blob: Descriptor, stop?: AbortSignal, moved?: (doneBytes: number) => void) =>
    await pushBlob(to, blob, (each, fromByte) => store.blobs.open(each, fromByte), {
      signal: stop,
      mountFrom,
      progress: (_, doneBytes) => moved?.(doneBytes),
    });
  const layers = [...new Map(image.manifest.layers.map((layer) => [layer.digest, layer])).values()];
  for (const layer of layers) progress?.({ kind: 'layer', descriptor: layer, state: 'waiting' });
  const pushLayer = async (layer: Descriptor, stop: AbortSignal) => {
    const state = await push(layer, stop, (doneBytes) =>
      progress?.({ kind: 'layer', descriptor: layer, state: 'moving', doneBytes, allBytes: layer.size }),
    );
    progress?.({ kind: 'layer', descriptor: layer, state });
  };
  await inParallel(layers, LAYERS_AT_ONCE, pushLayer, signal);
  await push(image.manifest.config, signal);
  const bytes = await store.blobs.read(image.manifestDigest);
  const { mediaType } = image.descriptor;
  const { digest } = await pushManifest(
    to,
    reference.digest ?? reference.tag ?? 'latest',
    { mediaType, bytes },
    signal,
  );
  await store.add(image.descriptor, { repoDigest: `${repositoryName(reference)}@${digest}` });
  return { reference: name, digest, size: bytes.length };
}

function firstOf([first]: readonly Repository[]): Repository {
  if (!first) throw new Error('a name has a place');
  return first;
}

/** Another repository of the same registry that had the image: its blobs may be there, and need not be sent. */
function otherRepository({ repoDigests }: Image, { domain, path }: Reference): string | undefined {
  const others = repoDigests.map(parseReference).filter((each) => each.domain === domain && each.path !== path);
  return others[0]?.path;
}

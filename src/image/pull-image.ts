/** Brings an image from its registry into the store. */
import { VlabError } from '../base/errors.js';
import { mustHaveLayers, parseImageConfig } from './config.js';
import type { Descriptor, Digest, Platform } from './descriptor.js';
import { isIndexType, isManifestType, parseIndex, parseManifest } from './manifest.js';
import { chooseManifest, fits, hostPlatform, platformName } from './platform.js';
import { parseReference, type Reference, referenceName, repositoryName, withDefaultTag } from './reference.js';
import { type Access, openSources } from './registry/access.js';
import { fromFirst, inParallel } from './registry/mirrors.js';
import { type Manifest, pullBlob, pullManifest } from './registry/pull.js';
import { RegistryError } from './registry/registry-error.js';
import type { Repository } from './registry/repository.js';
import type { Image } from './store/image.js';
import { type ImageStore, openImageStore } from './store/image-store.js';
import { MOST_CONFIG_BYTES, mustBeImage } from './store/load-image.js';

/** What happens to one layer after the other, for who draws it. */
export type PullEvent =
  | { kind: 'resolved'; reference: string; digest: Digest }
  | { kind: 'layer'; descriptor: Descriptor; state: 'waiting' | 'present' | 'done' }
  | { kind: 'layer'; descriptor: Descriptor; state: 'moving'; doneBytes: number; allBytes: number };

export interface PullOptions {
  /** Default: this machine's. */
  platform?: Platform | undefined;
  /** `missing` asks a registry only for an image that is not here; `never` does not at all. Default: always. */
  policy?: 'always' | 'missing' | 'never' | undefined;
  progress?: ((event: PullEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
  access?: Access | undefined;
  /** Default: this machine's. */
  store?: ImageStore | undefined;
}

export interface Pulled {
  image: Image;
  /** What the name means at the registry: of an index where there is one. Undefined: nobody was asked. */
  digest: Digest | undefined;
  /** The name had another image, or none, before. */
  isNew: boolean;
}

/** As many as docker. */
const LAYERS_AT_ONCE = 3;

/** `text`: as people write it. Errors: (`input`) no such image, nobody may have it, or not for this platform; those of the registry and of the disk. */
export async function pullImage(text: string, options: PullOptions = {}): Promise<Pulled> {
  const { policy = 'always' } = options;
  const store = options.store ?? (await openImageStore());
  const reference = withDefaultTag(parseReference(text));
  const before = policy === 'never' ? await store.get(text) : await store.find(referenceName(reference));
  if (policy === 'never' && before)
    return { image: mustFit(before, options.platform), digest: undefined, isNew: false };
  if (policy === 'missing' && before && isFor(before, options.platform)) {
    return { image: before, digest: undefined, isNew: false };
  }
  await using sources = await openSources(reference, options.access);
  const pull = new Pull(store, reference, sources.repositories, options);
  const { image, digest } = await pull.whole();
  return { image, digest, isNew: before?.id !== image.id };
}

function isFor({ config }: Image, platform: Platform | undefined): boolean {
  return platform === undefined || fits(config, platform);
}

function mustFit(image: Image, platform: Platform | undefined): Image {
  if (isFor(image, platform)) return image;
  const { os, architecture } = image.config;
  throw new VlabError('input', `the image that is here is for ${os}/${architecture}, not what was asked for`);
}

class Pull {
  readonly platform: Platform;

  constructor(
    readonly store: ImageStore,
    readonly reference: Reference,
    readonly sources: readonly Repository[],
    readonly options: PullOptions,
  ) {
    this.platform = options.platform ?? hostPlatform();
  }

  async whole(): Promise<{ image: Image; digest: Digest }> {
    const { tag, digest: asked, ...repository } = this.reference;
    const name = referenceName(this.reference);
    const top = await this.#manifest(asked ?? tag ?? 'latest');
    const { digest } = top.descriptor;
    this.options.progress?.({ kind: 'resolved', reference: name, digest });
    const { descriptor, bytes } = await this.#forPlatform(top);
    const manifest = parseManifest(bytes, name);
    mustBeImage(manifest, name);
    const blobs = [manifest.config, ...manifest.layers];
    await using hold = await this.store.hold(descriptor.digest, ...blobs.map((blob) => blob.digest));
    await this.#config(manifest.config, manifest.layers.length);
    const layers = [...new Map(manifest.layers.map((layer) => [layer.digest, layer])).values()];
    for (const layer of layers) this.options.progress?.({ kind: 'layer', descriptor: layer, state: 'waiting' });
    await inParallel(layers, LAYERS_AT_ONCE, (layer, signal) => this.#layer(layer, signal), this.options.signal);
    await this.#keep(descriptor, bytes);
    const repoDigest = `${repositoryName(repository)}@${digest}`;
    const names = { repoDigest, ...(asked === undefined && { reference: this.reference }) };
    const image = await this.store.add(descriptor, names);
    void hold;
    return { image, digest };
  }

  async #manifest(tagOrDigest: string): Promise<Manifest> {
    const { signal } = this.options;
    try {
      return await fromFirst(this.sources, (source) => pullManifest(source, tagOrDigest, signal), signal);
    } catch (error) {
      throw this.#plainly(error);
    }
  }

  /** Docker's words, which people know: registries do not tell what is not there from what nobody may see. */
  #plainly(error: unknown): unknown {
    if (!(error instanceof RegistryError)) return error;
    const name = referenceName(this.reference);
    if (error.status === 404) {
      return new VlabError('input', `manifest for ${name} not found: manifest unknown`, { cause: error });
    }
    if (error.status !== 401 && error.status !== 403) return error;
    const repository = repositoryName(this.reference);
    return new VlabError('input', `pull access denied for ${repository}: it does not exist, or needs a login`, {
      cause: error,
      hint: `check the name, or log in: vlab login ${this.reference.domain}`,
    });
  }

  async #forPlatform(top: Manifest): Promise<Manifest> {
    const name = referenceName(this.reference);
    const { mediaType } = top.descriptor;
    if (isManifestType(mediaType)) return top;
    if (!isIndexType(mediaType)) {
      throw new VlabError(
        'input',
        `${name} is no image that can be used here: its type is ${JSON.stringify(mediaType)}`,
      );
    }
    const { manifests } = parseIndex(top.bytes, name);
    const chosen = chooseManifest(manifests, this.platform);
    if (chosen) {
      const manifest = await this.#manifest(chosen.digest);
      if (isManifestType(manifest.descriptor.mediaType)) return manifest;
      throw new VlabError('operation', `the index ${name} leads to another index`);
    }
    const offered = manifests.flatMap(({ platform }) => (platform ? [platformName(platform)] : []));
    const all = [...new Set(offered)].filter((each) => each !== 'unknown/unknown');
    throw new VlabError('input', `no matching manifest for ${platformName(this.platform)} in ${name}`, {
      hint: `choose with --platform one of those that it has: ${all.join(', ')}`,
    });
  }

  async #config(blob: Descriptor, layers: number): Promise<void> {
    if (blob.size > MOST_CONFIG_BYTES) {
      throw new VlabError('operation', `the configuration ${blob.digest} has more than ${MOST_CONFIG_BYTES} bytes`);
    }
    await this.#blob(blob, this.options.signal);
    const config = parseImageConfig(await this.store.blobs.read(blob.digest, MOST_CONFIG_BYTES), blob.digest);
    mustHaveLayers(config, layers, referenceName(this.reference));
    if (this.options.platform === undefined || fits(config, this.platform)) return;
    const name = referenceName(this.reference);
    throw new VlabError(
      'input',
      `${name} is for ${config.os}/${config.architecture}, not ${platformName(this.platform)}`,
    );
  }

  async #layer(layer: Descriptor, signal: AbortSignal): Promise<void> {
    const { progress } = this.options;
    const was = await this.#blob(layer, signal, (doneBytes) =>
      progress?.({ kind: 'layer', descriptor: layer, state: 'moving', doneBytes, allBytes: layer.size }),
    );
    progress?.({ kind: 'layer', descriptor: layer, state: was });
  }

  async #blob(
    blob: Descriptor,
    signal: AbortSignal | undefined,
    progress?: (doneBytes: number) => void,
  ): Promise<'present' | 'done'> {
    if ((await this.store.blobs.sizeOf(blob.digest)) === blob.size) return 'present';
    const work = async (source: Repository) => {
      await using target = await this.store.blobs.target(blob);
      await pullBlob(source, blob, target, { signal, progress: (_, doneBytes) => progress?.(doneBytes) });
    };
    await fromFirst(this.sources, work, signal);
    return 'done';
  }

  async #keep(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    await using target = await this.store.blobs.target(descriptor);
    await target.restart();
    await target.write(bytes);
    await target.commit();
  }
}

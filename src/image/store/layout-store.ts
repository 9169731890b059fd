/** The store on disk. What changes index.json does so under the folder's lock, by rename. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf, messageOf, VlabError } from '../../base/errors.js';
import { writeWhole } from '../../base/partial.js';
import { withLock } from '../../sys/waiting-lock.js';
import type { Descriptor, Digest, Platform } from '../descriptor.js';
import { shortId } from '../digest.js';
import { type ImageIndex, OCI_INDEX, parseIndex } from '../manifest.js';
import { hostPlatform } from '../platform.js';
import { parseReference, type Reference, referenceName, repositoryName, withDefaultTag } from '../reference.js';
import { BlobFiles } from './blob-files.js';
import { onDisk } from './disk-error.js';
import { reachableFrom } from './garbage.js';
import { heldDigests, newHoldPath, writeHold } from './holds.js';
import type { Image } from './image.js';
import type { Garbage, Hold, ImageStore } from './image-store.js';
import { loadImage, type NamelessImage } from './load-image.js';
import {
  entriesLike,
  entryFor,
  entryOf,
  idOf,
  type Names,
  nameOf,
  namesOf,
  repoDigestsOf,
  withEntry,
  withoutName,
  withoutRepoDigest,
} from './names.js';

const LAYOUT = { imageLayoutVersion: '1.0.0' };
const EMPTY: ImageIndex = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] };

export class LayoutStore implements ImageStore {
  readonly blobs: BlobFiles;
  readonly #platform: Platform = hostPlatform();

  constructor(readonly root: string) {
    this.blobs = new BlobFiles(root);
  }

  async list(): Promise<Image[]> {
    const { manifests } = this.#read();
    return await this.#listOf(manifests);
  }

  async find(text: string): Promise<Image | undefined> {
    const index = this.#read();
    const entry = entryByName(index, text);
    if (entry) return await this.#load(entry, index);
    const prefix = text.startsWith('sha256:') ? text : `sha256:${text}`;
    if (!/^sha256:[a-f0-9]{1,64}$/.test(prefix)) {
      parseReference(text); // says what is wrong with it
      return undefined;
    }
    const found = await this.#listOf(
      index.manifests.filter((one) => idOf(one)?.startsWith(prefix) ?? true),
      prefix,
    );
    if (found.length > 1) {
      const ids = found.map(({ id }) => shortId(id)).join(', ');
      throw new VlabError('input', `${text} is the beginning of several ids: ${ids}`, { hint: 'give more digits' });
    }
    return found[0];
  }

  async get(text: string): Promise<Image> {
    const image = await this.find(text);
    if (image) return image;
    throw new VlabError('input', `No such image: ${text}`, { hint: 'see what there is with: vlab images' });
  }

  async add(manifest: Descriptor, names: Names = {}): Promise<Image> {
    const { id, layers } = await loadImage(this.blobs, manifest, this.#platform);
    for (const { descriptor } of layers) {
      if (await this.blobs.hasWhole(descriptor)) continue;
      throw new VlabError('operation', `the layer ${descriptor.digest} of the image ${id} is not in the store`);
    }
    const entry = entryFor(manifest, id);
    return await this.#load(entry, await this.#change((index) => withEntry(index, entry, names)));
  }

  async tag(image: Image, reference: Reference): Promise<void> {
    await this.#change((index) => {
      const entry = index.manifests.find(({ digest }) => digest === image.manifestDigest);
      // it may have been removed since it was read
      if (!entry) throw new VlabError('input', `No such image: ${image.id}`);
      return withEntry(index, entry, { reference });
    });
  }

  async untag(reference: Reference): Promise<boolean> {
    let found = false;
    await this.#change((index) => {
      if (reference.digest !== undefined) {
        const repoDigest = `${repositoryName(reference)}@${reference.digest}`;
        found = index.manifests.some((entry) => repoDigestsOf(entry).includes(repoDigest));
        return found ? withoutRepoDigest(index, repoDigest) : index;
      }
      const name = referenceName(withDefaultTag(reference));
      found = index.manifests.some((entry) => nameOf(entry) === name);
      return found ? withoutName(index, name) : index;
    });
    return found;
  }

  async discard(reference: Reference): Promise<boolean> {
    let found = false;
    await this.#change((index) => {
      const entry = entryOf(index, reference);
      found = entry !== undefined;
      return found ? { ...index, manifests: index.manifests.filter((one) => one !== entry) } : index;
    });
    return found;
  }

  async remove({ id }: Image): Promise<void> {
    await this.#locked(async () => {
      const index = this.#read();
      const ids = await Promise.all(index.manifests.map(async (one) => idOf(one) ?? (await this.#tryLoad(one))?.id));
      await this.#write({ ...index, manifests: index.manifests.filter((_, at) => ids[at] !== id) });
    });
  }

  async collectGarbage({ partial = false } = {}): Promise<Garbage> {
    return await this.#locked(async () => {
      this.#removePartialIndex();
      const needed = await reachableFrom(this.blobs, this.#read().manifests);
      const held = heldDigests(this.root);
      const digests = this.blobs.all().filter((digest) => !needed.has(digest) && !held.has(digest));
      const bytes = digests.reduce((sum, digest) => sum + this.blobs.remove(digest), 0);
      return { digests, bytes: bytes + this.blobs.removePartial(partial) };
    });
  }

  async hold(...digests: Digest[]): Promise<Hold> {
    const path = newHoldPath(this.root);
    const all = new Set(digests);
    const write = () => this.#locked(() => writeHold(path, [...all]));
    await write();
    return {
      add: async (...more) => {
        for (const digest of more) all.add(digest);
        await write();
      },
      [Symbol.asyncDispose]: async () => rmSync(path, { force: true }),
    };
  }

  async verify(): Promise<string[]> {
    const { manifests } = this.#read();
    const wrong: string[] = [];
    const check = async (what: string, look: () => Promise<unknown>) => {
      await look().catch((error: unknown) => wrong.push(`${what}: ${messageOf(error)}`));
    };
    const digests = new Set(this.blobs.all());
    const owners = new Map<Digest, string>();
    for (const entry of manifests) {
      const name = nameOf(entry) ?? entry.digest;
      await check(name, async () => {
        const { layers } = await loadImage(this.blobs, entry, this.#platform);
        for (const { descriptor } of layers) owners.set(descriptor.digest, name);
        const missing = layers.find(({ descriptor }) => !digests.has(descriptor.digest));
        if (missing) throw new VlabError('operation', `the blob ${missing.descriptor.digest} is not in the store`);
      });
    }
    for (const digest of digests) {
      await check(owners.get(digest) ?? digest, async () => {
        const size = (await this.blobs.sizeOf(digest)) ?? 0;
        await this.#readThrough({ mediaType: '', digest, size });
      });
    }
    return [...new Set(wrong)];
  }

  async #readThrough(blob: Descriptor): Promise<void> {
    await pipeline(this.blobs.open(blob), async (pieces) => {
      for await (const _ of pieces);
    });
  }

  async #load(entry: Descriptor, index: ImageIndex): Promise<Image> {
    const image = await loadImage(this.blobs, entry, this.#platform);
    return { ...image, ...namesOf(entriesLike(index, entry)) };
  }

  /** The images that the entries lead to, the newest first, each once; of those with ids that begin with `prefix`. */
  async #listOf(entries: readonly Descriptor[], prefix = ''): Promise<Image[]> {
    const loaded = await Promise.all(entries.map(async (entry) => ({ entry, image: await this.#tryLoad(entry) })));
    const byId = new Map<Digest, { image: NamelessImage; entries: Descriptor[] }>();
    for (const { entry, image } of loaded) {
      if (!image?.id.startsWith(prefix)) continue;
      const known = byId.get(image.id);
      if (known) known.entries.push(entry);
      else byId.set(image.id, { image, entries: [entry] });
    }
    const images = [...byId.values()].map(({ image, entries: own }) => ({ ...image, ...namesOf(own) }));
    return images.sort((one, other) => timeOf(other) - timeOf(one));
  }

  /** Undefined: it is broken. Who asks for it by name is told. */
  async #tryLoad(entry: Descriptor): Promise<NamelessImage | undefined> {
    try {
      return await loadImage(this.blobs, entry, this.#platform);
    } catch (error) {
      if (error instanceof VlabError) return undefined;
      throw error;
    }
  }

  #read(): ImageIndex {
    try {
      return parseIndex(readFileSync(join(this.root, 'index.json')), join(this.root, 'index.json'));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return EMPTY;
      throw error;
    }
  }

  async #write(index: ImageIndex): Promise<void> {
    const layout = join(this.root, 'oci-layout');
    await onDisk(this.root, async () => {
      if (!existsSync(layout)) await writeWhole(layout, JSON.stringify(LAYOUT));
      await writeWhole(join(this.root, 'index.json'), JSON.stringify(index));
    });
  }

  /** Who writes it has the lock, and so has who calls this: one that is there was left by a writer that was killed. */
  #removePartialIndex(): void {
    for (const name of readdirSync(this.root)) {
      if (name.endsWith('.partial')) rmSync(join(this.root, name), { force: true });
    }
  }

  async #change(next: (index: ImageIndex) => ImageIndex): Promise<ImageIndex> {
    return await this.#locked(async () => {
      const index = this.#read();
      const changed = next(index);
      if (changed !== index) await this.#write(changed);
      return changed;
    });
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    return await withLock(this.root, work);
  }
}

/** Undefined: `text` is no name, or one that nothing has. */
function entryByName(index: ImageIndex, text: string): Descriptor | undefined {
  let reference: Reference;
  try {
    reference = parseReference(text);
  } catch {
    return undefined; // an id, perhaps
  }
  return entryOf(index, reference);
}

function timeOf({ createdAt }: NamelessImage): number {
  const time = Date.parse(createdAt);
  return Number.isNaN(time) ? 0 : time;
}

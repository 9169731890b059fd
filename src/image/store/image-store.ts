/**
 * Images that this machine has: an OCI image layout (image-spec image-layout.md) in the data directory, so that other tools read
 * it too. Names stand in index.json as annotations; blobs are found by their digest.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { dataDir, privateDir } from '../../base/paths.js';
import type { BlobTarget } from '../blob-target.js';
import type { Descriptor, Digest } from '../descriptor.js';
import type { Reference } from '../reference.js';
import type { Image } from './image.js';
import { LayoutStore } from './layout-store.js';
import type { Names } from './names.js';

/** Content by digest. */
export interface BlobStore {
  /** Where a blob is, or would be. What is read from there is not verified. */
  path(digest: Digest): string;
  has(digest: Digest): Promise<boolean>;
  /** Bytes of what is there, or undefined. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /** Verified. Error (`operation`): it is not there, has more than `most` bytes, or other content than its digest says. */
  read(digest: Digest, most?: number): Promise<Buffer>;
  /** The bytes from `fromByte` on. From 0 they are verified: at the end of a blob with another digest the stream fails. */
  open(blob: Descriptor, fromByte?: number): Readable;
  /** Where a blob is to be written; what an interrupted writer left of it is there already. The digest should be held. */
  target(blob: Descriptor): Promise<BlobTarget>;
  /** Writes what is known whole. */
  put(bytes: Uint8Array, mediaType: string): Promise<Descriptor>;
  /** Writes what a stream gives, whatever digest that has, and adds that to `hold` before it is to be found. */
  ingest(source: Readable, hold: Hold): Promise<{ digest: Digest; size: number }>;
}

/** Digests that garbage collection spares, until this is disposed or this process ends. */
export interface Hold extends AsyncDisposable {
  add(...digests: Digest[]): Promise<void>;
}

export interface Garbage {
  digests: Digest[];
  bytes: number;
}

export interface ImageStore {
  readonly blobs: BlobStore;
  /** All images, the newest first; one without a name has no references. */
  list(): Promise<Image[]>;
  /**
   * By name, NAME:TAG, NAME@DIGEST, or an id or the beginning of one that is unique. Errors: (`input`) `text` is no name, or the
   * beginning of several ids; (`operation`) a blob of it is broken.
   */
  find(text: string): Promise<Image | undefined>;
  /** Error (`input`): No such image. */
  get(text: string): Promise<Image>;
  /**
   * Makes an image of blobs that are there: an entry of index.json, under `reference` where one is given. Another image of that
   * name loses it. Errors (`operation`): blobs are missing, or are no image.
   */
  add(manifest: Descriptor, names?: Names): Promise<Image>;
  /** Gives an image one more name. */
  tag(image: Image, reference: Reference): Promise<void>;
  /** Takes a name, or a NAME@DIGEST, from its image, which stays. False: nothing has that name. */
  untag(reference: Reference): Promise<boolean>;
  /** Takes a name and its entry out, also of an image that cannot be read any more. False: nothing has that name. */
  discard(reference: Reference): Promise<boolean>;
  /** Removes an image with all its names; its blobs go by collectGarbage. */
  remove(image: Image): Promise<void>;
  /** Removes all blobs that no image and nobody's hold needs; with `partial`, also what an interrupted pull could go on with. */
  collectGarbage(options?: { partial?: boolean }): Promise<Garbage>;
  /** Reads everything. One sentence for each thing that is missing or broken. */
  verify(): Promise<string[]>;
  hold(...digests: Digest[]): Promise<Hold>;
}

/** In dataDir()/images, which is made where it is not there. Error (`host`): it is somebody else's. */
export async function openImageStore(): Promise<ImageStore> {
  mkdirSync(dataDir(), { recursive: true });
  return new LayoutStore(privateDir(join(dataDir(), 'images')));
}

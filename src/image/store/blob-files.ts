/** Blobs of an OCI image layout on disk: `blobs/ALGORITHM/HEX`, read back only with proof. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { errnoOf, VlabError } from '../../base/errors.js';
import { namesEnded, ownName } from '../../sys/own-name.js';
import type { BlobTarget } from '../blob-target.js';
import type { Descriptor, Digest } from '../descriptor.js';
import { algorithmOf, digestOf, hexOf, isDigest } from '../digest.js';
import { MOST_MANIFEST_BYTES } from '../manifest.js';
import { BlobWriter } from './blob-writer.js';
import { onDisk } from './disk-error.js';
import type { BlobStore, Hold } from './image-store.js';

const READ_BYTES = 1024 * 1024;
/** Of a writer whose digest is not known before the end. */
const UNNAMED = 'unnamed.';
/** Nobody goes on with a transfer that old. */
const STALE_MS = 24 * 3600 * 1000;

export class BlobFiles implements BlobStore {
  readonly #ingest: string;

  constructor(readonly root: string) {
    this.#ingest = join(root, 'ingest');
  }

  path(digest: Digest): string {
    return join(this.root, 'blobs', algorithmOf(digest), hexOf(digest));
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.sizeOf(digest)) !== undefined;
  }

  async hasWhole({ digest, size }: Descriptor): Promise<boolean> {
    return (await this.sizeOf(digest)) === size;
  }

  /** Bytes, or undefined: it is not there. */
  async sizeOf(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.path(digest))).size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async read(digest: Digest, most: number = MOST_MANIFEST_BYTES): Promise<Buffer> {
    const size = await this.sizeOf(digest);
    if (size === undefined) throw missing(digest);
    if (size > most) throw new VlabError('operation', `the blob ${digest} has more than ${most} bytes`);
    const bytes = await readFile(this.path(digest)).catch((error: unknown) => {
      throw errnoOf(error) === 'ENOENT' ? missing(digest) : error;
    });
    if (digestOf(bytes, digest) !== digest) throw broken(digest);
    return bytes;
  }

  open(blob: Descriptor, fromByte = 0): Readable {
    const options = { start: fromByte, highWaterMark: READ_BYTES };
    return Readable.from(verified(createReadStream(this.path(blob.digest), options), blob, fromByte), {
      objectMode: false,
      highWaterMark: READ_BYTES,
    });
  }

  async target(blob: Descriptor): Promise<BlobTarget> {
    mkdirSync(this.#ingest, { recursive: true, mode: 0o700 });
    return await BlobWriter.open(blob, { ingest: this.#ingest, target: this.path(blob.digest) });
  }

  async put(bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
    const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
    if (await this.hasWhole(blob)) return blob;
    await using target = await this.target(blob);
    if (target.offset > 0) await target.restart();
    await target.write(bytes);
    await target.commit();
    return blob;
  }

  async ingest(source: Readable, hold: Hold): Promise<{ digest: Digest; size: number }> {
    mkdirSync(this.#ingest, { recursive: true, mode: 0o700 });
    const path = join(this.#ingest, ownName(UNNAMED));
    const hash = createHash('sha256');
    let size = 0;
    try {
      return await onDisk(this.#ingest, async () => {
        const file = await open(path, 'wx', 0o600);
        try {
          for await (const chunk of source as AsyncIterable<Buffer>) {
            hash.update(chunk);
            for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten;
            size += chunk.length;
          }
        } finally {
          await file.close();
        }
        const digest: Digest = `sha256:${hash.digest('hex')}`;
        await hold.add(digest);
        await mkdir(dirname(this.path(digest)), { recursive: true });
        await rename(path, this.path(digest));
        return { digest, size };
      });
    } finally {
      rmSync(path, { force: true });
    }
  }

  /** All that are there, whoever needs them. */
  all(): Digest[] {
    return (['sha256', 'sha512'] as const).flatMap((algorithm) =>
      namesIn(join(this.root, 'blobs', algorithm))
        .map((hex) => `${algorithm}:${hex}`)
        .filter(isDigest),
    );
  }

  /** Returns how many bytes that gave back. */
  remove(digest: Digest): number {
    const size = statSync(this.path(digest), { throwIfNoEntry: false })?.size ?? 0;
    rmSync(this.path(digest), { force: true });
    return size;
  }

  /** Removes what writers left who will not come back; with `all`, also what the next pull could go on with. */
  removePartial(all: boolean): number {
    let bytes = 0;
    for (const name of namesIn(this.#ingest)) {
      const path = join(this.#ingest, name);
      const found = statSync(path, { throwIfNoEntry: false });
      if (!found || isBeingWritten(name)) continue;
      if (!all && !name.startsWith(UNNAMED) && Date.now() - found.mtimeMs < STALE_MS) continue;
      bytes += found.size;
      rmSync(path, { force: true });
    }
    return bytes;
  }
}

function isBeingWritten(name: string): boolean {
  const prefix = /^[^.]*\./.exec(name)?.[0];
  return prefix !== undefined && namesEnded(name, prefix) === false;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function* verified(source: Readable, { digest, size }: Descriptor, fromByte: number): AsyncGenerator<Buffer> {
  const hash = fromByte === 0 ? createHash(algorithmOf(digest)) : undefined;
  let at = fromByte;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      hash?.update(chunk);
      at += chunk.length;
      if (at > size) throw broken(digest);
      yield chunk;
    }
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? missing(digest) : error;
  }
  if (at !== size || (hash && hash.digest('hex') !== hexOf(digest))) throw broken(digest);
}

function missing(digest: Digest): VlabError {
  return new VlabError('operation', `the blob ${digest} is not in the store`, { hint: 'pull or load its image again' });
}

function broken(digest: Digest): VlabError {
  return new VlabError('operation', `the blob ${digest} has other content in the store than its digest says`, {
    hint: 'remove its image, and pull or load it again',
  });
}

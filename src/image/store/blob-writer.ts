/**
 * One blob on its way into the store. Its bytes stand in a file of the folder for what is being written, under a name that carries
 * the writer; an interrupted one leaves them there for the next. What is whole gets its place by rename. It is not forced onto the
 * disk: what a crash of the machine tears is noticed by its digest when it is read.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants, readdirSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, VlabError } from '../../base/errors.js';
import { namesEnded, ownName } from '../../sys/own-name.js';
import type { BlobTarget } from '../blob-target.js';
import type { Descriptor } from '../descriptor.js';
import { algorithmOf, hexOf } from '../digest.js';
import { isDiskFull, onDisk } from './disk-error.js';

const READ_BYTES = 1024 * 1024;

/** Where a writer works, and where its blob goes. */
export interface BlobPlace {
  /** For what is being written. */
  ingest: string;
  target: string;
}

export class BlobWriter implements BlobTarget {
  #at = 0;
  #hash: Hash;
  #state: 'open' | 'committed' | 'forgotten' = 'open';

  private constructor(
    readonly blob: Descriptor,
    readonly place: BlobPlace,
    readonly path: string,
    readonly file: FileHandle,
  ) {
    this.#hash = createHash(algorithmOf(blob.digest));
  }

  /** Takes over what an interrupted writer of the same blob left. */
  static async open(blob: Descriptor, place: BlobPlace): Promise<BlobWriter> {
    const kept = keptName(blob);
    const path = join(place.ingest, ownName(`${kept}.`));
    claim(place.ingest, kept, path);
    const file = await onDisk(place.ingest, () => open(path, constants.O_RDWR | constants.O_CREAT, 0o600));
    const writer = new BlobWriter(blob, place, path, file);
    try {
      await writer.#readBefore();
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
    return writer;
  }

  get offset(): number {
    return this.#at;
  }

  async write(chunk: Uint8Array): Promise<void> {
    try {
      await onDisk(this.place.ingest, async () => {
        for (let done = 0; done < chunk.length; ) {
          const { bytesWritten } = await this.file.write(chunk, done, chunk.length - done, this.#at + done);
          done += bytesWritten;
        }
      });
    } catch (error) {
      // what is there only takes room that others need
      if (isDiskFull((error as { cause?: unknown }).cause)) await this.#forget();
      throw error;
    }
    this.#hash.update(chunk);
    this.#at += chunk.length;
  }

  async commit(): Promise<void> {
    const { digest, size } = this.blob;
    const own = `${algorithmOf(digest)}:${this.#hash.digest('hex')}`;
    if (this.#at !== size || own !== digest) {
      await this.#forget();
      const found = this.#at === size ? `has the digest ${own}` : `has ${this.#at} bytes, not ${size}`;
      throw new VlabError('operation', `what was received for ${digest} ${found}; nothing of it is kept`);
    }
    await onDisk(this.place.ingest, async () => {
      await mkdir(dirname(this.place.target), { recursive: true });
      await rename(this.path, this.place.target);
    });
    this.#state = 'committed';
  }

  async restart(): Promise<void> {
    await this.file.truncate(0);
    this.#at = 0;
    this.#hash = createHash(algorithmOf(this.blob.digest));
  }

  /** What was not committed stays for the next writer, if there is something. */
  async [Symbol.asyncDispose](): Promise<void> {
    const isOpen = this.#state === 'open';
    await this.file.close().catch(() => {}); // closed already
    if (!isOpen) return;
    if (this.#at === 0) rmSync(this.path, { force: true });
    else move(this.path, join(this.place.ingest, keptName(this.blob)));
  }

  async #readBefore(): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const { bytesRead } = await this.file.read(buffer, 0, READ_BYTES, this.#at);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#at += bytesRead;
    }
    if (this.#at > this.blob.size) await this.restart();
  }

  async #forget(): Promise<void> {
    this.#state = 'forgotten';
    await this.file.close().catch(() => {});
    rmSync(this.path, { force: true });
  }
}

/** The name of what nobody writes at the moment. */
function keptName({ digest }: Descriptor): string {
  return `${algorithmOf(digest)}-${hexOf(digest)}`;
}

function claim(folder: string, kept: string, path: string): void {
  if (move(join(folder, kept), path)) return;
  for (const name of readdirSync(folder)) {
    if (namesEnded(name, `${kept}.`) && move(join(folder, name), path)) return;
  }
}

/** False: there is nothing of that name (any more). */
function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

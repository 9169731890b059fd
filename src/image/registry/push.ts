/** Brings blobs and manifests to a registry (distribution-spec, "Push"). */
import type { Readable } from 'node:stream';
import { VlabError } from '../../base/errors.js';
import type { Descriptor, Digest } from '../descriptor.js';
import { digestOf, isDigest } from '../digest.js';
import type { TransferOptions } from './pull.js';
import { RegistryError, shownUrl } from './registry-error.js';
import { type AskOptions, isPassing, type Repository } from './repository.js';
import * as requests from './requests.js';
import { discard, type Response } from './response.js';
import { redirectTarget } from './transport.js';

/** The bytes of a blob from one of them on; each call gives a stream of its own. */
export type OpenBlob = (blob: Descriptor, fromByte: number) => Readable;

export interface PushOptions extends TransferOptions {
  /** Another repository of the same registry that may have the blob already. */
  mountFrom?: string | undefined;
  /** A blob with no more bytes goes in one request, a larger one in pieces of this size. All of a piece is in memory. */
  chunkBytes?: number;
}

/** What became of a blob: it was there, was taken over from `mountFrom`, or was sent. */
export type Pushed = 'present' | 'mounted' | 'sent';

const CHUNK_BYTES = 16 * 1024 * 1024;
/** A registry that asks for larger pieces asks for too much memory. */
const MOST_CHUNK_BYTES = 256 * 1024 * 1024;

/**
 * Sends what the registry does not have. After a cut connection it asks the registry how far it came, and goes on there. Errors:
 * those of Repository.ask and of `open`; (`operation`) the blob has another length than its descriptor says.
 */
export async function pushBlob(
  to: Repository,
  blob: Descriptor,
  open: OpenBlob,
  options: PushOptions = {},
): Promise<Pushed> {
  const { signal, progress, mountFrom } = options;
  const ask: AskOptions = { signal, scopes: scopesOf(to, mountFrom) };
  const head = await to.ask(requests.headBlob(to, blob.digest), ask);
  if (head.status === 200) {
    progress?.(blob, blob.size, blob.size);
    return 'present';
  }
  const mount = mountFrom === undefined ? undefined : { digest: blob.digest, from: mountFrom };
  const begun = await to.ask(requests.beginUpload(to, mount), ask);
  await discard(begun);
  if (begun.status === 201) {
    progress?.(blob, blob.size, blob.size);
    return 'mounted';
  }
  const least = Number(begun.headers.get('oci-chunk-min-length') ?? 0);
  const wanted = Math.max(options.chunkBytes ?? CHUNK_BYTES, Number.isSafeInteger(least) ? least : 0);
  const chunkBytes = Math.min(wanted, MOST_CHUNK_BYTES);
  const upload = new Upload(to, blob, open, ask, locationOf(begun));
  progress?.(blob, 0, blob.size);
  try {
    if (blob.size <= chunkBytes) await upload.whole();
    else await upload.inPieces(chunkBytes, (doneBytes) => progress?.(blob, doneBytes, blob.size));
  } catch (error) {
    await upload.cancel();
    throw error;
  }
  progress?.(blob, blob.size, blob.size);
  return 'sent';
}

function scopesOf(to: Repository, mountFrom: string | undefined): string[] {
  return [to.scope('pull,push'), ...(mountFrom === undefined ? [] : [`repository:${mountFrom}:pull`])];
}

/** One upload session, by the location that each answer names anew. */
class Upload {
  constructor(
    readonly to: Repository,
    readonly blob: Descriptor,
    readonly open: OpenBlob,
    readonly ask: AskOptions,
    private location: string,
  ) {}

  /** In one request. A registry that lost it half way forgot the session, so each further attempt begins one. */
  async whole(): Promise<void> {
    const body = await this.#read(0, this.blob.size);
    for (let failures = 1; ; failures++) {
      try {
        const request = requests.endUpload(this.location, this.blob.digest, body);
        return await discard(await this.to.ask(request, { ...this.ask, isOnce: true }));
      } catch (error) {
        await this.#pauseOrThrow(error, failures);
        if (await this.#isThere()) return;
        this.location = await this.#beginAgain();
      }
    }
  }

  async inPieces(chunkBytes: number, progress: (doneBytes: number) => void): Promise<void> {
    let offset = 0;
    let most = 0;
    for (let failures = 0; offset < this.blob.size; ) {
      try {
        const body = await this.#read(offset, Math.min(chunkBytes, this.blob.size - offset));
        const request = requests.sendChunk(this.location, body, offset);
        const answer = await this.to.ask(request, { ...this.ask, isOnce: true });
        await discard(answer);
        if (answer.status === 416) throw new LostPlace('operation', `${shownUrl(this.location)} has another offset`);
        this.location = locationOf(answer, this.location);
        offset = rangeEnd(answer) ?? offset + body.length;
        // only what was never reached before is progress: an upload that is always lost at the same piece is left
        if (offset > most) failures = 0;
        most = Math.max(most, offset);
      } catch (error) {
        failures += 1;
        await this.#pauseOrThrow(error, failures);
        offset = await this.#offsetThere();
      }
      if (offset > this.blob.size)
        throw new VlabError('operation', `${shownUrl(this.location)} has more than was sent`);
      progress(offset);
    }
    const request = requests.endUpload(this.location, this.blob.digest);
    try {
      await discard(await this.to.ask(request, { ...this.ask, isOnce: true }));
    } catch (error) {
      // the answer may have been lost after the blob was made
      if (!isPassing(error) || !(await this.#isThere())) throw error;
    }
  }

  /** Best effort: registries forget uploads by themselves, later. */
  async cancel(): Promise<void> {
    // what ended the upload may be its signal, so this has one of its own
    const ask = { ...this.ask, signal: AbortSignal.timeout(5_000), isOnce: true };
    await this.to.ask(requests.cancelUpload(this.location), ask).then(discard, () => {});
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let missing = length;
    const stream = this.open(this.blob, offset);
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk.subarray(0, missing));
      missing -= Math.min(missing, chunk.length);
      if (missing === 0) break; // ends the stream
    }
    if (missing > 0) throw new VlabError('operation', `${this.blob.digest} is shorter than ${this.blob.size} bytes`);
    return Buffer.concat(chunks);
  }

  async #pauseOrThrow(error: unknown, failures: number): Promise<void> {
    this.ask.signal?.throwIfAborted();
    if (!isPassing(error) && !(error instanceof LostPlace)) throw error;
    if (failures >= this.to.retry.attempts) throw error;
    await this.to.pause(failures, this.ask.signal);
  }

  /**
   * Where the next piece goes. docker-registry forgets an upload that has more than its last answer said, which is what a cut
   * leaves behind; then all is sent again, to a new one.
   */
  async #offsetThere(): Promise<number> {
    try {
      const answer = await this.to.ask(requests.uploadStatus(this.location), this.ask);
      await discard(answer);
      this.location = locationOf(answer, this.location);
      return rangeEnd(answer) ?? 0;
    } catch (error) {
      if (!(error instanceof RegistryError) || ![400, 404, 405, 416].includes(error.status)) throw error;
      this.location = await this.#beginAgain();
      return 0;
    }
  }

  async #isThere(): Promise<boolean> {
    return (await this.to.ask(requests.headBlob(this.to, this.blob.digest), this.ask)).status === 200;
  }

  async #beginAgain(): Promise<string> {
    const begun = await this.to.ask(requests.beginUpload(this.to), this.ask);
    await discard(begun);
    return locationOf(begun);
  }
}

/** The registry has another number of bytes than was thought (416): asked how many, it says so. */
class LostPlace extends VlabError {}

/** Absolute, by the rules of redirects. Error (`operation`): there is none, and none `before`, or it is not to be followed. */
function locationOf(answer: Response, before?: string): string {
  const location = answer.headers.get('location');
  if (location === null && before !== undefined) return before;
  return redirectTarget(new URL(answer.url), location).href;
}

/** `0-END`, the last byte included, as registries say it; some of them have `bytes=` before. Without a byte it is `0-0`, or `0--1`. */
function rangeEnd(answer: Response): number | undefined {
  const end = /^(?:bytes=)?0-(-?\d+)$/.exec(answer.headers.get('range') ?? '')?.[1];
  if (end === undefined) return undefined;
  return Number(end) === 0 ? 0 : Number(end) + 1;
}

/**
 * Stores a manifest or index under a tag or its digest; what it names must be there. Returns its digest, and whether the registry
 * keeps its subject's referrers by itself (OCI-Subject). Error (`operation`): the registry has it under another digest.
 */
export async function pushManifest(
  to: Repository,
  reference: string,
  manifest: { mediaType: string; bytes: Uint8Array },
  signal?: AbortSignal,
): Promise<{ digest: Digest; keepsReferrers: boolean }> {
  const request = requests.putManifest(to, reference, manifest.mediaType, manifest.bytes);
  const answer = await to.ask(request, { signal, scopes: [to.scope('pull,push')] });
  await discard(answer);
  const said = answer.headers.get('docker-content-digest');
  const digest = digestOf(manifest.bytes, isDigest(reference) ? reference : undefined);
  if (said !== null && isDigest(said) && digestOf(manifest.bytes, said) !== said) {
    throw new VlabError('operation', `${shownUrl(request.url)} was stored as ${said}, and it is ${digest}`);
  }
  return { digest, keepsReferrers: answer.headers.has('oci-subject') };
}

/** Gets manifests and blobs; nothing is believed that its digest does not prove. */
import { VlabError } from '../../base/errors.js';
import type { BlobTarget } from '../blob-target.js';
import type { Descriptor, Digest } from '../descriptor.js';
import { digestOf, isDigest } from '../digest.js';
import { MOST_MANIFEST_BYTES } from '../manifest.js';
import { RegistryError, shownUrl } from './registry-error.js';
import { isPassing, type Repository } from './repository.js';
import { getBlob, getManifest, headManifest } from './requests.js';
import { discard, type Response, readAtMost } from './response.js';
import { connectionError } from './transport.js';

/** Called after each piece, with the bytes that are there and all that there will be. */
export type Progress = (descriptor: Descriptor, doneBytes: number, allBytes: number) => void;

export interface TransferOptions {
  signal?: AbortSignal | undefined;
  progress?: Progress | undefined;
}

export interface Manifest {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/**
 * The manifest or index that a tag or a digest names. Errors: those of Repository.ask; (`operation`) it has more than 4 MiB, or
 * another digest than was asked for or than the registry says.
 */
export async function pullManifest(from: Repository, reference: string, signal?: AbortSignal): Promise<Manifest> {
  const request = getManifest(from, reference);
  const response = await from.ask(request, { signal });
  const name = shownUrl(request.url);
  const bytes = await readAtMost(response, MOST_MANIFEST_BYTES).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error instanceof VlabError
      ? new VlabError('operation', `the manifest ${name}: ${error.message}`, { cause: error })
      : connectionError(`reading ${name}`, error);
  });
  const said = response.headers.get('docker-content-digest');
  for (const digest of [reference, said].filter((text) => text !== null && isDigest(text)) as Digest[]) {
    const own = digestOf(bytes, digest);
    if (own !== digest) throw new VlabError('operation', `the manifest ${name} has the digest ${own}, not ${digest}`);
  }
  const digest = isDigest(reference) ? reference : digestOf(bytes, said !== null && isDigest(said) ? said : undefined);
  return { descriptor: { mediaType: mediaTypeOf(response, bytes), digest, size: bytes.length }, bytes };
}

/** What a tag or a digest names now, without getting it, or undefined. Registries that do not say are asked for the whole. */
export async function resolveManifest(
  from: Repository,
  reference: string,
  signal?: AbortSignal,
): Promise<Descriptor | undefined> {
  const response = await from.ask(headManifest(from, reference), { signal });
  if (response.status === 404) return undefined;
  const digest = response.headers.get('docker-content-digest') ?? (isDigest(reference) ? reference : '');
  const size = Number(response.headers.get('content-length') ?? Number.NaN);
  const mediaType = typeOf(response);
  if (isDigest(digest) && Number.isSafeInteger(size) && mediaType) return { mediaType, digest, size };
  return (await pullManifest(from, reference, signal)).descriptor;
}

/** The Content-Type; for a server of files that does not know manifests, what the manifest says itself. */
function mediaTypeOf(response: Response, bytes: Uint8Array): string {
  const header = typeOf(response);
  if (header && !['application/json', 'application/octet-stream', 'text/plain'].includes(header)) return header;
  try {
    const { mediaType } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { mediaType?: unknown };
    return typeof mediaType === 'string' ? mediaType : (header ?? 'application/octet-stream');
  } catch {
    return header ?? 'application/octet-stream';
  }
}

function typeOf(response: Response): string | undefined {
  return response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
}

/**
 * Fills `target` with a blob and commits it. After a cut connection it goes on where it was; where the server cannot do
 * that, from the beginning. It gives up after as many failures in a row without one new byte as the repository's rule has
 * attempts. Errors: those of Repository.ask and of the target; (`operation`) the server has another length.
 */
export async function pullBlob(
  from: Repository,
  blob: Descriptor,
  target: BlobTarget,
  options: TransferOptions = {},
): Promise<void> {
  const filling = new Filling(target);
  if (filling.at > blob.size) await filling.restart();
  options.progress?.(blob, filling.at, blob.size);
  let failures = 0;
  let most = filling.at;
  while (filling.at < blob.size) {
    try {
      await pullOnce(from, blob, filling, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      // only what was never reached before is progress: a server that cuts every answer at the same byte is left
      failures = filling.at > most ? 1 : failures + 1;
      most = Math.max(most, filling.at);
      if (error instanceof RegistryError || !isPassing(error) || failures >= from.retry.attempts) throw error;
      await from.pause(failures, options.signal);
    }
  }
  await target.commit();
}

/** A target, and where in it the next byte goes. */
class Filling {
  at: number;

  constructor(readonly target: BlobTarget) {
    this.at = target.offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.target.write(chunk);
    this.at += chunk.length;
  }

  async restart(): Promise<void> {
    await this.target.restart();
    this.at = 0;
  }
}

async function pullOnce(
  from: Repository,
  blob: Descriptor,
  filling: Filling,
  { signal, progress }: TransferOptions,
): Promise<void> {
  const request = getBlob(from, blob, filling.at);
  const what = `reading ${shownUrl(request.url)}`;
  const response = await from.ask(request, { signal });
  try {
    if (response.status === 416) {
      await filling.restart();
      throw connectionError(what, new Error('the server knows nothing behind what is here already'));
    }
    const start = response.status === 206 ? rangeStart(response, blob, what) : 0;
    if (start !== filling.at && start !== 0) {
      throw new VlabError('operation', `${what}: the server sends another part than was asked for`);
    }
    if (start !== filling.at) await filling.restart();
    mustHaveLength(response, blob.size - start, what);
    for await (const chunk of piecesOf(response, what, signal)) {
      if (filling.at + chunk.length > blob.size) {
        throw new VlabError('operation', `${what}: there are more than the ${blob.size} bytes that it should have`);
      }
      await filling.write(chunk);
      progress?.(blob, filling.at, blob.size);
    }
  } finally {
    await discard(response);
  }
  if (filling.at < blob.size) {
    throw connectionError(what, new Error(`it ended after ${filling.at} of ${blob.size} bytes`));
  }
}

/** The body; a failure to read it is told from a failure to write it. */
async function* piecesOf(response: Response, what: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) yield chunk;
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionError(what, error);
  }
}

/** `bytes START-END/ALL` (RFC 9110 section 14.4). */
function rangeStart(response: Response, blob: Descriptor, what: string): number {
  const header = response.headers.get('content-range') ?? '';
  const [, start = '', all = ''] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header) ?? [];
  if (start === '') throw new VlabError('operation', `${what}: the server sends a part and does not say which`);
  if (all !== '*' && Number(all) !== blob.size) throw wrongLength(what, Number(all), blob.size);
  return Number(start);
}

function mustHaveLength(response: Response, expected: number, what: string): void {
  const header = response.headers.get('content-length');
  if (header !== null && Number(header) !== expected) throw wrongLength(what, Number(header), expected);
}

function wrongLength(what: string, said: number, expected: number): VlabError {
  return new VlabError('operation', `${what}: the server has ${said} bytes, and it should be ${expected}`);
}

/** The bytes of a blob as they are read: counted, and their digest verified at the end. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { messageOf, VlabError } from '../../base/errors.js';
import type { Digest } from '../descriptor.js';

const READ_BYTES = 256 * 1024;

export interface WatchedRequest {
  /** A path, or what reads it. */
  source: Readable | string;
  digest?: Digest | undefined;
  signal?: AbortSignal | undefined;
  progress?: ((bytes: number) => void) | undefined;
}

export class WatchedSource {
  bytes = 0;
  /** What ended it too early. */
  failure: unknown;

  constructor(private readonly request: WatchedRequest) {}

  /** Errors: `input` when the digest is another; `operation` when the blob cannot be read. */
  async *chunks(): AsyncGenerator<Buffer> {
    const { source, digest, signal, progress } = this.request;
    const readable = typeof source === 'string' ? createReadStream(source, { highWaterMark: READ_BYTES }) : source;
    const [algorithm = 'sha256', wanted] = digest?.split(':') ?? [];
    const hash = digest ? createHash(algorithm) : undefined;
    try {
      for await (const chunk of readable as AsyncIterable<Buffer>) {
        signal?.throwIfAborted();
        this.bytes += chunk.length;
        hash?.update(chunk);
        progress?.(this.bytes);
        yield chunk;
      }
      const got = hash?.digest('hex');
      if (got !== wanted) throw wrongDigest('blob of the layer', `${algorithm}:${got}`, digest);
    } catch (error) {
      this.failure = error instanceof VlabError || signal?.aborted ? error : unreadable(source, error);
      throw this.failure;
    } finally {
      readable.destroy();
    }
  }
}

export function wrongDigest(what: string, got: string, wanted: string | undefined): VlabError {
  return new VlabError('input', `the ${what} has the digest ${got}, not ${wanted}`, {
    hint: 'it was damaged or exchanged: remove the image and pull it again',
  });
}

function unreadable(source: Readable | string, cause: unknown): VlabError {
  const what = typeof source === 'string' ? source : 'the stream of the layer';
  return new VlabError('operation', `cannot read ${what}: ${messageOf(cause)}`, { cause });
}

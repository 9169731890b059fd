/** A registry on loopback that keeps everything in memory, notes what it is asked, and misbehaves as a test wants it to. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { BlobTarget } from '../../../src/image/blob-target.js';
import type { Descriptor, Digest } from '../../../src/image/descriptor.js';
import { endpointOf } from '../../../src/image/registry/endpoint.js';
import { Repository, type RepositoryOptions } from '../../../src/image/registry/repository.js';

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** Answers itself, and says so with true; otherwise the registry answers as it should. */
export type Fault = (asked: Asked, response: ServerResponse) => boolean;

export const sha256 = (bytes: Uint8Array): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
export const blobOf = (bytes: Uint8Array): Descriptor => ({
  mediaType: 'application/octet-stream',
  digest: sha256(bytes),
  size: bytes.length,
});
export const fastRetry = { attempts: 4, firstMs: 4, mostMs: 40 };

export class FaultRegistry implements AsyncDisposable {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { type: string; bytes: Buffer }>();
  readonly uploads = new Map<string, Buffer>();
  readonly asked: Asked[] = [];
  fault: Fault = () => false;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => {});
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request;
        const asked = { method, path, headers, body: Buffer.concat(chunks) };
        this.asked.push(asked);
        if (!this.fault(asked, response)) this.#answer(asked, response);
      });
    });
  }

  static async start(): Promise<FaultRegistry> {
    const registry = new FaultRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  repository(name = 'some/image', options: RepositoryOptions = {}): Repository {
    const endpoint = endpointOf(this.host, { isPlainHttp: true });
    return new Repository(endpoint, name, { retry: fastRetry, silenceMs: 2_000, ...options });
  }

  addBlob(bytes: Buffer): Descriptor {
    const blob = blobOf(bytes);
    this.blobs.set(blob.digest, bytes);
    return blob;
  }

  count(method: string, part: string): number {
    return this.asked.filter((asked) => asked.method === method && asked.path.includes(part)).length;
  }

  #answer({ method, path, headers, body }: Asked, response: ServerResponse): true {
    const url = new URL(path, `http://${this.host}`);
    const end = (status: number, more: Record<string, string | number> = {}, bytes?: Buffer): true => {
      response.writeHead(status, more).end(method === 'HEAD' ? undefined : bytes);
      return true;
    };
    const [, kind, name = ''] = /^\/v2\/[a-z/]+\/(manifests|blobs|tags)\/(.+)$/.exec(url.pathname) ?? [];
    if (kind === 'manifests' && method === 'PUT') {
      const kept = { type: headers['content-type'] ?? '', bytes: body };
      this.manifests.set(name, kept).set(sha256(body), kept);
      return end(201, { 'docker-content-digest': sha256(body) });
    }
    if (kind === 'manifests') {
      const kept = this.manifests.get(name);
      if (!kept)
        return end(
          404,
          {},
          Buffer.from('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such \\u001b[31mthing"}]}'),
        );
      const more = { 'docker-content-digest': sha256(kept.bytes), 'content-type': kept.type };
      return end(200, { ...more, 'content-length': kept.bytes.length }, kept.bytes);
    }
    if (kind === 'blobs' && name.startsWith('uploads/')) {
      return this.#upload(method, url, headers['content-range'], body, end);
    }
    if (kind === 'blobs') {
      const bytes = this.blobs.get(name);
      if (!bytes) return end(404);
      const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
      const range = from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
      return end(from > 0 ? 206 : 200, { ...range, 'content-length': bytes.length - from }, bytes.subarray(from));
    }
    return end(404);
  }

  #upload(
    method: string,
    url: URL,
    range: string | undefined,
    body: Buffer,
    end: (status: number, more?: Record<string, string>) => true,
  ): true {
    const id = url.pathname.split('/').at(-1) || randomUUID();
    const before = this.uploads.get(id) ?? Buffer.alloc(0);
    const mount = url.searchParams.get('mount');
    if (method === 'POST' && mount && this.blobs.has(mount)) return end(201);
    if (method === 'PATCH' && range && Number(range.split('-')[0]) !== before.length) return end(416);
    const all = Buffer.concat([before, body]);
    this.uploads.set(id, all);
    const where = {
      location: `/v2/some/image/blobs/uploads/${id}?state=${all.length}`,
      range: `0-${Math.max(0, all.length - 1)}`,
    };
    if (method !== 'PUT') return end(method === 'GET' ? 204 : 202, where);
    this.uploads.delete(id);
    if (sha256(all) !== url.searchParams.get('digest')) return end(400);
    this.blobs.set(sha256(all), all);
    return end(201);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Sends the head and `bytes` of a longer body, then cuts the connection. */
export function cut(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number>,
  bytes: Buffer,
): true {
  response.writeHead(status, headers);
  response.write(bytes, () => setTimeout(() => response.destroy(), 10));
  return true;
}

/** A target in memory that is as strict as the store's. */
export class MemoryTarget implements BlobTarget {
  bytes: Buffer;
  whole = false;
  restarts = 0;

  constructor(
    readonly blob: Descriptor,
    already: Buffer = Buffer.alloc(0),
  ) {
    this.bytes = already;
  }

  get offset(): number {
    return this.bytes.length;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.bytes = Buffer.concat([this.bytes, chunk]);
  }

  async restart(): Promise<void> {
    this.restarts += 1;
    this.bytes = Buffer.alloc(0);
  }

  async commit(): Promise<void> {
    if (sha256(this.bytes) !== this.blob.digest) throw new Error('wrong digest');
    this.whole = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export const opener =
  (bytes: Buffer) =>
  (_: Descriptor, from: number): Readable =>
    Readable.from([bytes.subarray(from)]);

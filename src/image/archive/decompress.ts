/** What an archive or a layer is packed with, by its first bytes. */
import { spawn } from 'node:child_process';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { VlabError } from '../../base/errors.js';
import { findProgram } from '../../base/find-program.js';
import { DEFAULT_LIMITS, type LayerLimits } from '../layer/limits.js';

export type Packing = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

const MAGIC: readonly (readonly [Exclude<Packing, 'none'>, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
export type ArchiveLimits = Pick<LayerLimits, 'maxRatio' | 'ratioFromBytes'>;

/** So much is needed to tell them apart. */
export const MAGIC_BYTES = 6;

export function packingOf(first: Uint8Array): Packing {
  return MAGIC.find(([, magic]) => magic.every((byte, at) => first[at] === byte))?.[0] ?? 'none';
}

/**
 * The same stream, unpacked where it is packed. It fails as `source` does, and when what it gives is broken. Errors: `host` where
 * the program for it is not installed; `input` in the stream when it grows past `limits` (a decompression bomb).
 */
export async function unpacked(
  source: Readable,
  limits: ArchiveLimits = DEFAULT_LIMITS,
): Promise<{ stream: Readable; packing: Packing }> {
  const { first, whole } = await peek(source);
  const packing = packingOf(first);
  if (packing === 'none') return { stream: whole, packing };
  const growth = new Growth(limits);
  const plain = new PassThrough();
  const stream = new PassThrough();
  const from = Readable.from(growth.packed(whole));
  const through = Promise.all([
    packing === 'gzip' ? pipeline(from, createGunzip(), plain) : throughProgram(packing, from, plain),
    pipeline(plain, (pieces: AsyncIterable<Buffer>) => growth.plain(pieces), stream),
  ]);
  through.catch((error: unknown) => {
    plain.destroy(error as Error);
    stream.destroy(error as Error);
  });
  return { stream, packing };
}

/** What goes in beside what comes out: a few megabytes must not fill the disk. */
class Growth {
  private packedBytes = 0;
  private plainBytes = 0;

  constructor(private readonly limits: ArchiveLimits) {}

  async *packed(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      this.packedBytes += piece.length;
      yield piece;
    }
  }

  async *plain(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { maxRatio, ratioFromBytes } = this.limits;
    for await (const piece of pieces) {
      this.plainBytes += piece.length;
      if (this.plainBytes > ratioFromBytes && this.plainBytes > this.packedBytes * maxRatio) {
        throw new VlabError('input', `the archive unpacks to more than ${maxRatio} times its size`, {
          hint: 'it looks like a decompression bomb; if you trust it, unpack it yourself and give the plain tar',
        });
      }
      yield piece;
    }
  }
}

/** The first bytes, and a stream that still has them. */
async function peek(source: Readable): Promise<{ first: Buffer; whole: Readable }> {
  const whole = new PassThrough();
  const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let first = Buffer.alloc(0);
  while (first.length < MAGIC_BYTES) {
    const { value, done } = await pieces.next();
    if (done) break;
    first = Buffer.concat([first, value]);
  }
  const rest = async function* () {
    yield first;
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
  };
  pipeline(rest, whole).catch(() => {}); // a reader that has had enough destroys `whole`; a source that fails does so too
  return { first, whole };
}

async function throughProgram(name: 'zstd' | 'xz' | 'bzip2', from: Readable, to: PassThrough): Promise<void> {
  const program = findProgram(name);
  if (program === undefined) throw new VlabError('host', `this is packed with ${name}, which is not installed`);
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
  try {
    await Promise.all([pipeline(from, child.stdin), pipeline(child.stdout, to, { end: false })]);
  } catch (error) {
    child.kill('SIGKILL');
    await ended.catch(() => {});
    throw error;
  }
  const status = await ended;
  if (status !== 0) throw new VlabError('operation', `${name} cannot unpack it`);
  to.end();
}

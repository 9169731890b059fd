/**
 * The uncompressed bytes of a layer, whatever it was compressed with. Its first bytes say with what, as for docker: media types of
 * layers are often wrong.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { messageOf, VlabError } from '../../base/errors.js';
import { findProgram } from '../../base/find-program.js';
import { throughProgram } from './through-program.js';
import type { WatchedSource } from './watched-source.js';

/** Large: each chunk costs a turn of the event loop, for which the thread that inflates waits. */
const GUNZIP_CHUNK_BYTES = 1 << 20;

interface Format {
  name: string;
  magic: readonly number[];
  /** Writes the uncompressed bytes of its standard input to its standard output. */
  program?: readonly [string, ...string[]];
}

const FORMATS: readonly Format[] = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], program: ['zstd', '-dcq'] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], program: ['xz', '-dcq'] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], program: ['bzip2', '-dcq'] },
];
const MAGIC_BYTES = 6;

/** Undefined: it is not compressed. */
export function formatOf(first: Uint8Array): Format | undefined {
  return FORMATS.find(({ magic }) => magic.every((byte, index) => first[index] === byte));
}

/** Errors: `input` for damaged data; `host` for a program that is not installed; those of the source. */
export async function* uncompress(source: WatchedSource): AsyncGenerator<Buffer> {
  const chunks = source.chunks();
  const first = await takeFirst(chunks);
  const whole = putBack(first, chunks);
  const format = formatOf(first);
  try {
    if (!format) yield* whole;
    else if (!format.program) yield* gunzip(whole);
    else if (format.name === 'zstd' && !findProgram('zstd')) yield* inflateZstd(whole);
    else yield* throughProgram(format.program, whole);
  } catch (error) {
    if (source.failure !== undefined) throw source.failure;
    if (error instanceof VlabError && error.blame === 'host') throw error;
    throw damaged(format, messageOf(error), error);
  } finally {
    await chunks.return(undefined);
  }
}

async function takeFirst(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  while (first.length < MAGIC_BYTES) {
    const next = await chunks.next();
    if (next.done) break;
    first = first.length === 0 ? next.value : Buffer.concat([first, next.value]);
  }
  return first;
}

async function* putBack(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* rest;
}

async function* gunzip(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflating = createGunzip({ chunkSize: GUNZIP_CHUNK_BYTES });
  const feeding = pipeline(Readable.from(compressed), inflating);
  feeding.catch(() => {}); // awaited below
  yield* inflating as AsyncIterable<Buffer>;
  await feeding;
}

/** In this process: several times slower. */
async function* inflateZstd(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd');
  let out: Buffer[] = [];
  const stream = new Decompress((chunk) => {
    out.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  });
  for await (const chunk of compressed) {
    stream.push(chunk, false);
    yield* out;
    out = [];
  }
  stream.push(new Uint8Array(0), true);
  yield* out;
}

function damaged(format: Format | undefined, why: string, cause?: unknown): VlabError {
  return new VlabError('input', `the layer is no whole ${format?.name ?? 'tar'} stream: ${why}`, {
    cause,
    hint: 'it was damaged: remove the image and pull it again',
  });
}

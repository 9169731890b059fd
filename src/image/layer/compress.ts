/** Compresses a layer. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Compression, OCI_LAYER } from '../manifest.js';
import { throughProgram } from './through-program.js';

export type LayerCompression = Compression;

/** image-spec media-types.md. */
export const MEDIA_TYPES: Record<LayerCompression, string> = {
  none: OCI_LAYER,
  gzip: `${OCI_LAYER}+gzip`,
  zstd: `${OCI_LAYER}+zstd`,
};

/** Errors: `host` where zstd is not installed; those of the archive. */
export async function* compress(compression: LayerCompression, archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (compression === 'none') yield* archive;
  else if (compression === 'gzip') yield* gzip(archive);
  else yield* throughProgram(['zstd', '-qc', '-T1', '-'], archive);
}

/** Without a name or a time in its header: the same bytes give the same blob. */
async function* gzip(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const deflating = createGzip({ chunkSize: 256 * 1024 });
  const feeding = pipeline(Readable.from(archive), deflating);
  feeding.catch(() => {}); // awaited below
  yield* deflating as AsyncIterable<Buffer>;
  await feeding;
}

/**
 * Reads an archive of images once, in whatever order its entries come: what may be a blob goes into the store at once, what is
 * small and says how they belong together is kept. Nothing is written anywhere by a name that the archive chose.
 */
import { posix } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { VlabError } from '../../base/errors.js';
import type { Digest } from '../descriptor.js';
import { isDigest } from '../digest.js';
import { MOST_MANIFEST_BYTES } from '../manifest.js';
import type { Hold, ImageStore } from '../store/image-store.js';
import { type Packing, packingOf, unpacked } from './decompress.js';

export interface ArchivedFile {
  digest: Digest;
  size: number;
  packing: Packing;
}

export interface ArchiveContent {
  /** By path: all files, which are in the store now. */
  files: ReadonlyMap<string, ArchivedFile>;
  /** index.json and manifest.json, where they are there. */
  index: Buffer | undefined;
  manifest: Buffer | undefined;
}

/** An archive of many images has thousands; one of millions is made to last. */
const MOST_ENTRIES = 100_000;
/** Links that lead to links. */
const MOST_LINKS = 10;

/** Errors: (`operation`) a blob has another digest than its name says; (`input`) it is no tar; those of the disk. */
export async function readArchive(source: Readable, store: ImageStore, hold: Hold): Promise<ArchiveContent> {
  const { extract } = await import('tar-stream');
  const { stream } = await unpacked(source);
  const tar = extract();
  stream.on('error', (error) => tar.destroy(error));
  stream.pipe(tar as unknown as NodeJS.WritableStream);
  const files = new Map<string, ArchivedFile>();
  const links = new Map<string, string>();
  const kept = new Map<string, Buffer>();
  let count = 0;
  try {
    for await (const entry of tar) {
      if (++count > MOST_ENTRIES) throw new VlabError('input', `the archive has more than ${MOST_ENTRIES} entries`);
      const { name, type, linkname, size = 0 } = entry.header;
      const path = posix.normalize(name);
      const content = entry as unknown as Readable;
      if (type === 'file' && (path === 'index.json' || path === 'manifest.json')) {
        kept.set(path, await contentOf(content, size, path));
      } else if (type === 'file') {
        files.set(path, await takeIn(content, { path, size }, store, hold));
      } else {
        // docker saved a layer that several images have once, and linked to it from the others
        if (type === 'symlink' && linkname) links.set(path, posix.join(posix.dirname(path), linkname));
        if (type === 'link' && linkname) links.set(path, posix.normalize(linkname));
        content.resume();
      }
    }
  } catch (error) {
    stream.destroy();
    if (error instanceof Error && /^(Invalid tar header|Unexpected end of data)/.test(error.message)) {
      throw new VlabError('input', `this is no tar archive, or a part of one: ${error.message}`, { cause: error });
    }
    throw error;
  }
  for (const path of links.keys()) {
    const file = files.get(followed(path, links));
    if (file) files.set(path, file);
  }
  return { files, index: kept.get('index.json'), manifest: kept.get('manifest.json') };
}

/** Of links inside of the archive; others lead to nothing. */
function followed(path: string, links: ReadonlyMap<string, string>): string {
  let at = path;
  for (let count = 0; count < MOST_LINKS; count++) at = links.get(at) ?? at;
  return at;
}

async function contentOf(content: Readable, size: number, path: string): Promise<Buffer> {
  if (size > MOST_MANIFEST_BYTES) throw new VlabError('input', `${path} has more than ${MOST_MANIFEST_BYTES} bytes`);
  const pieces: Buffer[] = [];
  for await (const piece of content as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function takeIn(
  content: Readable,
  { path, size }: { path: string; size: number },
  store: ImageStore,
  hold: Hold,
): Promise<ArchivedFile> {
  const start = new Start();
  const [, algorithm, hex] = /^blobs\/(sha256|sha512)\/([a-f0-9]+)$/.exec(path) ?? [];
  const digest = `${algorithm}:${hex}`;
  if (!isDigest(digest)) {
    const taken = await store.blobs.ingest(start.passing(content), hold);
    return { ...taken, packing: packingOf(start.bytes) };
  }
  await hold.add(digest);
  const blob = { mediaType: '', digest, size };
  await using target = await store.blobs.target(blob);
  await target.restart();
  for await (const piece of start.passing(content) as AsyncIterable<Buffer>) await target.write(piece);
  await target.commit();
  return { digest, size, packing: packingOf(start.bytes) };
}

/** Notes the first bytes of what passes. */
class Start {
  bytes = Buffer.alloc(0);

  passing(content: Readable): Readable {
    const through = new PassThrough();
    content.on('error', (error) => through.destroy(error));
    content.on('data', (piece: Buffer) => {
      if (this.bytes.length < 8) this.bytes = Buffer.concat([this.bytes, piece.subarray(0, 8)]);
    });
    return content.pipe(through);
  }
}

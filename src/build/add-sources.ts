/** What ADD has beyond COPY: files that are fetched, and archives of the context that are unpacked. */
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, createWriteStream, openSync, readSync, utimesSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, VlabError } from '../base/errors.js';
import { unpackLayer } from '../image/layer/unpack-layer.js';
import type { CopySource } from './copy-step.js';
import { collectSources, fileDigest, type Source } from './files/collect-sources.js';
import { DirectoryTree, resolvePath } from './files/tree.js';
import { hasWildcard } from './ignore.js';
import type { CopyRequest } from './step.js';
import type { Workspace } from './workspace.js';

export interface AddedSource {
  /** As ADD names it. */
  written: string;
  sources: Source[];
  /** An archive's files belong to whom it says. */
  keepsOwners: boolean;
}

const MOST_BYTES = 16 * 2 ** 30;

/** Those sources that are no plain files. Errors: `input` for a wrong checksum, `operation` for what cannot be fetched. */
export async function addSources(
  copy: CopyRequest,
  from: CopySource,
  workspace: Workspace,
  signal: AbortSignal | undefined,
): Promise<AddedSource[]> {
  const added: AddedSource[] = [];
  for (const [at, written] of copy.sources.entries()) {
    if (/^https?:\/\//i.test(written)) {
      const place = workspace.place(`fetched-${at}`);
      await fetchFile(written, place, copy.checksum, signal);
      added.push({
        written,
        sources: await collectSources(['*'], { tree: new DirectoryTree(place) }),
        keepsOwners: false,
      });
      continue;
    }
    if (/^(git@|git:\/\/|ssh:\/\/)/.test(written))
      throw new VlabError('input', `ADD ${written}: repositories are not fetched`);
    if (copy.checksum !== undefined) await mustBe(written, from, copy.checksum);
    const archive = hasWildcard(written) ? undefined : await archiveAt(written, from);
    if (archive === undefined) continue;
    const place = workspace.place(`unpacked-${at}`);
    if (!(await unpacked(archive, place, signal))) continue;
    added.push({
      written,
      sources: await collectSources(['.'], { tree: new DirectoryTree(place) }),
      keepsOwners: true,
    });
  }
  return added;
}

async function fetchFile(
  url: string,
  place: string,
  checksum: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const name = posix.basename(new URL(url).pathname);
  if (name === '') throw new VlabError('input', `ADD ${url}: cannot determine filename from url`);
  const target = join(place, name);
  const hash = createHash('sha256');
  let bytes = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(bytes > MOST_BYTES ? new Error('it is larger than 16 GiB') : null, chunk);
    },
  });
  let modified = 0;
  try {
    const response = await fetch(url, signal ? { signal } : {});
    if (!response.ok || !response.body) throw new Error(`the server says ${response.status} ${response.statusText}`);
    if (!/^https?:/.test(response.url)) throw new Error(`it leads to ${response.url}`);
    modified = Date.parse(response.headers.get('last-modified') ?? '') || 0;
    await pipeline(Readable.fromWeb(response.body as never), measured, createWriteStream(target));
  } catch (cause) {
    signal?.throwIfAborted();
    throw new VlabError('operation', `ADD ${url}: ${messageOf(cause)}`, { cause });
  }
  mustEqual(url, checksum, hash.digest('hex'));
  chmodSync(target, 0o600);
  utimesSync(target, modified / 1000, modified / 1000);
}

async function mustBe(written: string, { tree }: CopySource, checksum: string): Promise<void> {
  const found = await tree.entry(await resolvePath(tree, written));
  if (found?.stat.isFile()) mustEqual(written, checksum, await fileDigest(found.real));
}

function mustEqual(what: string, checksum: string | undefined, found: string): void {
  if (checksum === undefined || checksum === `sha256:${found}`) return;
  throw new VlabError('input', `ADD ${what}: its digest is sha256:${found}, not ${checksum}`);
}

const MAGIC = [
  [0x1f, 0x8b],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  [0x28, 0xb5, 0x2f, 0xfd],
];
const USTAR_AT = 257;

/** A file of the context that looks like an archive, packed or not. */
async function archiveAt(written: string, { tree, rules }: CopySource): Promise<string | undefined> {
  const path = await resolvePath(tree, written.replace(/^\/+/, ''));
  const found = await tree.entry(path);
  if (!found?.stat.isFile() || rules?.ignores(path)) return undefined;
  const head = Buffer.alloc(512);
  const file = openSync(found.real, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  const isPacked = MAGIC.some((magic) => magic.every((byte, at) => head[at] === byte));
  const isTar = head.toString('latin1', USTAR_AT, USTAR_AT + 5) === 'ustar';
  return isPacked || isTar ? found.real : undefined;
}

/** False: it is packed, but no archive. */
async function unpacked(archive: string, into: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await unpackLayer({
      ...{ source: archive, mediaType: 'application/vnd.oci.image.layer.v1.tar', into, form: 'plain' },
      ...(signal && { signal }),
    });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    const isNoArchive = error instanceof VlabError && /no tar|malformed|checksum/i.test(error.message);
    if (isNoArchive) return false;
    throw error;
  }
}

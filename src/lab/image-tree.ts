/**
 * An image as a directory of the laboratory's own, which all arms start from: programs of a trial may write to it, so it is not
 * the tree that containers share. Unpacked once for each digest of a manifest.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { makeWhole } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import { makeImage } from '../image/make/make-image.js';
import { familiarRepository, parseReference } from '../image/reference.js';
import type { Image } from '../image/store/image.js';
import { openImageStore } from '../image/store/image-store.js';
import { unpackFlat } from '../storage/snapshots.js';
import type { Rootfs } from './rootfs.js';

/** Errors: (`input`) no such image; those of unpackLayer. */
export async function imageTree(text: string): Promise<Rootfs> {
  const store = await openImageStore();
  const image = (await store.find(text)) ?? (await made(text)) ?? (await store.get(text));
  const digest = image.manifestDigest;
  const dir = join(cacheDir(), 'rootfs', digest.replace(':', '-'));
  const found = { dir: join(dir, 'fs'), digest, image: `${nameOf(image, text)}@${digest}` };
  if (existsSync(dir)) return found;
  await makeWhole(dir, async (partial) => {
    await mkdir(partial, { recursive: true });
    await unpackFlat({ image, blobs: store.blobs }, partial);
  }).catch((error: unknown) => {
    if (!existsSync(dir)) throw error; // otherwise another process unpacked it at the same time
  });
  return found;
}

/** Those that need no registry and no mirror are made when they are not there. Undefined: it is none of them. */
const MADE_HERE = ['probe', 'busybox'] as const;

/** Error (`input`): what is made of this machine's packages is not what the digest says. */
async function made(text: string): Promise<Image | undefined> {
  const reference = parseReference(text);
  const { digest, tag = 'latest' } = reference;
  const maker = MADE_HERE.find((known) => familiarRepository(reference) === known);
  if (maker === undefined || tag !== 'latest') return undefined;
  const image = await makeImage(maker);
  if (digest === undefined || digest === image.manifestDigest) return image;
  throw new VlabError(
    'input',
    `the packages of this machine make ${maker} as ${image.manifestDigest}, not as ${digest}`,
    {
      hint: `where the same bytes are not needed, write \`image: ${maker}\` into the scenario`,
    },
  );
}

/** Without a tag: the digest says more. An image that was asked for by its id may have no name. */
function nameOf({ references }: Image, text: string): string {
  const [name = text] = references;
  return name.replace(/(@.*|:[^:/]*)$/, '');
}

/**
 * A whole image as one erofs, by its top chain id: dataDir()/erofs/<chain id>.erofs. A container has it as its only lower layer where
 * the kernel mounts an erofs from a file, and a virtual machine has it as its disk. The same image gives the same bytes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { mustRun } from '../base/exec.js';
import { findProgram } from '../base/find-program.js';
import { makeWhole } from '../base/partial.js';
import { dataDir } from '../base/paths.js';
import type { Image } from '../image/store/image.js';
import { nameOf } from './places.js';
import { chainOf, type SnapshotRequest, withFlat, withMaker } from './snapshots.js';

/** `name`: nameOf of the top layer's chain id. */
export function erofsFile(name: string): string {
  return join(dataDir(), 'erofs', `${name}.erofs`);
}

export function erofsNameOf(image: Pick<Image, 'layers'>): string | undefined {
  const [top] = chainOf(image);
  return top && nameOf(top);
}

/** The erofs itself says when it was made, and no file in it may be younger: the year 2100. */
const MADE_AT_SECONDS = '4102444800';

/**
 * The path of the image's erofs, which is made where it is not there. Errors: those of ensureFlat; `input` for an image without layers;
 * `host` without root or without mkfs.erofs.
 */
export async function erofsOf(request: SnapshotRequest): Promise<string> {
  const [chainId] = chainOf(request.image);
  if (chainId === undefined) throw new VlabError('input', 'an image without layers has no files to make an erofs of');
  const name = nameOf(chainId);
  const path = erofsFile(name);
  if (existsSync(path)) return path;
  const program = findProgram('mkfs.erofs');
  if (!program || process.getuid?.() !== 0) {
    throw new VlabError('host', program ? 'an erofs is made by root alone' : 'mkfs.erofs is not installed', {
      hint: program ? 'without it owners and devices of the image would be lost' : 'install it (Debian: erofs-utils)',
    });
  }
  const words = ['--quiet', `-U${uuidOf(name)}`];
  const options = {
    env: { SOURCE_DATE_EPOCH: MADE_AT_SECONDS },
    ...(request.signal ? { cancelSignal: request.signal } : {}),
  };
  await withMaker('erofs', chainId, async () => {
    if (existsSync(path)) return;
    await withFlat(request, false, (tree) =>
      makeWhole(path, async (partial) => void (await mustRun(program, [...words, partial, tree], options))),
    );
  });
  return path;
}

/** RFC 9562, version 8: what it is made of is the image. */
function uuidOf(hex: string): string {
  const digits = `${hex.slice(0, 12)}8${hex.slice(13, 16)}8${hex.slice(17, 32)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * What vlab writes beside criu's images, so that they can be restored where nothing else is known of the container: its
 * mounts and descriptors that came from outside. Images of runc and crun lack it, and their descriptors.json is read instead.
 */
import { chmodSync, lchownSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, messageOf, VlabError } from '../../base/errors.js';
import type { ExternalMount } from './external-mounts.js';
import { type DescriptorSeen, descriptorsJson, fromDescriptorsJson, type OuterDescriptor } from './stdio.js';

const NOTES = 'vlab.json';
const DESCRIPTORS = 'descriptors.json';
const VERSION = 1;

export interface ImageNotes {
  /** Undefined: they are not told. */
  external?: ExternalMount[];
  stdio: OuterDescriptor[];
  /** The image has no network devices, and those of a new network namespace are somebody else's business. */
  emptyNetwork: boolean;
}

export function writeNotes(
  dir: string,
  { external, stdio }: Required<Pick<ImageNotes, 'external' | 'stdio'>>,
  seen: readonly DescriptorSeen[],
): void {
  writeFileSync(join(dir, DESCRIPTORS), descriptorsJson(seen), { mode: 0o600 });
  writeFileSync(join(dir, NOTES), JSON.stringify({ version: VERSION, external, stdio }), { mode: 0o600 });
}

/** Errors: `input`: there is no image, or one of a vlab that writes otherwise. */
export function readNotes(dir: string): ImageNotes {
  const names = list(dir);
  if (!names.includes('inventory.img')) {
    throw new VlabError('input', `${dir} holds no checkpoint: inventory.img is missing`, {
      hint: 'name the directory that the checkpoint was made in by --image-path',
    });
  }
  const emptyNetwork = !names.some((name) => /^netdev-\d+\.img$/.test(name));
  try {
    if (names.includes(NOTES)) {
      const { version, external, stdio } = JSON.parse(readFileSync(join(dir, NOTES), 'utf8')) as Partial<
        ImageNotes & { version: number }
      >;
      if (version !== VERSION || !external || !stdio) throw new RangeError(`version ${version} is not known`);
      return { external, stdio, emptyNetwork };
    }
    const stdio = names.includes(DESCRIPTORS) ? fromDescriptorsJson(readFileSync(join(dir, DESCRIPTORS), 'utf8')) : [];
    return { stdio, emptyNetwork };
  } catch (cause) {
    throw new VlabError('input', `what is beside the images in ${dir} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/**
 * In a user namespace the restored processes read their memory, some as its root and some still as the one who restores. Images
 * are in a directory that nobody else may enter. `group`: of the namespace's root, as it is outside.
 */
export function openImagesTo(group: number, dir: string): void {
  for (const name of ['', ...list(dir)]) {
    const path = join(dir, name);
    lchownSync(path, -1, group);
    const stat = lstatSync(path);
    if (!stat.isSymbolicLink()) chmodSync(path, stat.isDirectory() ? 0o750 : 0o640);
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

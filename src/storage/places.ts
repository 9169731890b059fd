/** Where storage keeps things in the data directory. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dataDir, privateDir } from '../base/paths.js';
import type { Digest } from '../image/descriptor.js';

/** One directory of `dataDir()`, which is made where it is not there. Only its owner may enter it: layers hold set-user-id programs. */
function place(name: string): string {
  mkdirSync(dataDir(), { recursive: true });
  return privateDir(join(dataDir(), name));
}

export const snapshotsPlace = () => place('snapshots');
export const volumesPlace = () => place('volumes');
export const erofsPlace = () => place('erofs');

/** A digest as the name of a directory. */
export function nameOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** An unpacked layer as overlayfs reads it. */
export function snapshotDirectory(chainId: Digest): string {
  return join(dataDir(), 'snapshots', nameOf(chainId));
}

/** The whole image in one tree. */
export function flatDirectory(chainId: Digest): string {
  return `${snapshotDirectory(chainId)}-flat`;
}

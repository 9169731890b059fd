/** Removal of trees that hold anything: so that nothing half removed is taken for the whole, and modes are in nobody's way. */
import { randomUUID } from 'node:crypto';
import { chmodSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../base/errors.js';

/** In names of what is being removed. */
const GOING = '.going-';

/** Does nothing where there is nothing. No link is followed. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== 'EACCES' && errnoOf(error) !== 'EPERM') throw error;
    openUp(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** Without privileges, what is in a directory can only be removed by who may write it: an overlay's work directory has no mode at all. */
function openUp(path: string): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) openUp(join(path, entry.name));
  }
}

/** Takes it out of its place at once, then removes it. A removal that was killed is finished by `sweepGoing`. False: it is not there. */
export async function removeWhole(path: string): Promise<boolean> {
  const going = moveAway(path);
  if (going === undefined) return false;
  await removeTree(going);
  return true;
}

/** The new name; undefined: it is not there. */
export function moveAway(path: string): string | undefined {
  const going = `${path}${GOING}${randomUUID()}`;
  try {
    renameSync(path, going);
    return going;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Finishes what killed removals left in a folder. */
export async function sweepGoing(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) if (name.includes(GOING)) await removeTree(join(folder, name));
}

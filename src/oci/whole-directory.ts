/**
 * Directories that appear and vanish whole: they are filled, and emptied, under a name beside their place. The name carries the
 * process that does it, so what a killed one left is known.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf } from '../base/errors.js';
import { namesEnded, ownName } from '../sys/own-name.js';

/** No id of a container begins so. */
const MARK = ',';

/** A directory and what is missing above it. Node's own way never ends where the kernel makes none, as in /proc. */
export function makeDirectories(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path || existsSync(dirname(path))) throw error;
    makeDirectories(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

/** Makes `place` of what `fill` puts into a directory. False: there is something at `place` already. */
export function makeDirectoryWhole(place: { root: string; name: string }, fill: (directory: string) => void): boolean {
  const partial = join(place.root, ownName(MARK));
  mkdirSync(partial, { mode: 0o700 });
  try {
    fill(partial);
    renameSync(partial, join(place.root, place.name)); // replaces no directory that is not empty
    return true;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

/** Whoever looks meanwhile finds all of it or nothing. One that is not there is fine. */
export function removeDirectoryWhole({ root, name }: { root: string; name: string }): void {
  const away = join(root, ownName(MARK));
  try {
    renameSync(join(root, name), away);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  // There is nothing else in most, and Node's own way is made for everything.
  try {
    for (const file of readdirSync(away)) unlinkSync(join(away, file));
    rmdirSync(away);
  } catch {
    rmSync(away, { recursive: true, force: true });
  }
}

/** What stands in `root`, but for what is being made or removed; what killed processes left of that is removed. */
export function wholeDirectories(root: string): string[] {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  return names.filter((name) => {
    if (!name.startsWith(MARK)) return true;
    if (namesEnded(name, MARK)) removeIfPossible(join(root, name));
    return false;
  });
}

/** Who only looks may not be able to. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
  }
}

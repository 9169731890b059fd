/** What can be seen beforehand of an image that is still in layers, as overlayfs will show it. */
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RootMount } from '../storage/root-mount.js';
import { type Found, found, type HostFiles, type Look, pathIn, Unsure } from './host-files.js';

/** `files`, for an image that is mounted as `root` says. */
export function filesOfRoot(files: HostFiles, root: RootMount): HostFiles {
  if (root.kind === 'directory') return files;
  // Nothing is seen in a file system that is not mounted.
  if (root.lower.some(({ kind }) => kind === 'erofs')) return { ...files, inImage: () => undefined };
  const look = lookIn([root.upper, ...root.lower.map(({ path }) => path)]);
  return { ...files, inImage: (_root, path) => pathIn(look, path) };
}

/**
 * `layers`: topmost first. Whether a directory is opaque is an attribute that Node cannot read: where that would decide, it cannot be
 * told.
 */
function lookIn(layers: readonly string[]): Look {
  return (path) => {
    let hidden = false;
    for (const layer of layers) {
      const here = found(join(layer, path));
      if (here && hidden) throw new Unsure();
      if (here) return isWhiteout(here.stat) ? undefined : here;
      const above = path === '/' ? undefined : deepest(layer, dirname(path));
      // What lies above it in this layer covers it in those below, if it is no directory (a whiteout too).
      if (above && !above.stat.isDirectory()) return undefined;
      // A directory that this layer only has in part may be opaque; so may one above it.
      if (above && above.at !== layer) hidden = true;
    }
    return undefined;
  };
}

/** The deepest part of a path that the layer has; the layer itself at least. */
function deepest(layer: string, path: string): Found | undefined {
  for (let part = path; ; part = dirname(part)) {
    const here = found(join(layer, part));
    if (here) return here.at === join(layer, '/') ? { ...here, at: layer } : here;
    if (part === '/') return undefined;
  }
}

const isWhiteout = (stat: Stats) => stat.isCharacterDevice() && stat.rdev === 0;

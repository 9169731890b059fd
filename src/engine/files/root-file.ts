/** A file of a container's root that is not mounted: what its layers say, the topmost first. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import type { RootMount } from '../../storage/root-mount.js';

const MOST_BYTES = 4 << 20;
const MOST_LINKS = 8;

/** Links are followed within the root, whatever they point at. Undefined: there is no such file, or no sensible one. */
export function readRootFile(root: RootMount, path: string): string | undefined {
  const layers = layersOf(root);
  let at = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    const found = findIn(layers, at);
    if (typeof found === 'string') return readSmall(found);
    if (!found) return undefined;
    at = resolve(dirname(found.at), found.target); // an absolute one begins at the root
    at = join('/', at, found.rest);
  }
  return undefined;
}

function layersOf(root: RootMount): string[] {
  if (root.kind === 'directory') return [root.path];
  return [root.upper, ...root.lower.flatMap((layer) => (layer.kind === 'directory' ? [layer.path] : []))];
}

/** The file on the host; or the link on the way to it, with what comes behind. */
function findIn(
  layers: readonly string[],
  path: string,
): string | { at: string; target: string; rest: string } | undefined {
  const parts = path.split('/').filter(Boolean);
  let left = [...layers];
  for (let depth = 1; depth <= parts.length; depth++) {
    const within = `/${parts.slice(0, depth).join('/')}`;
    const there: string[] = [];
    for (const layer of left) {
      const stat = lstatSync(join(layer, within), { throwIfNoEntry: false });
      if (!stat) continue;
      if (stat.isCharacterDevice()) break; // a whiteout: what is below is hidden
      if (stat.isSymbolicLink() && there.length === 0) {
        const rest = parts.slice(depth).join('/');
        return { at: within, target: readlinkSync(join(layer, within)), rest };
      }
      if (depth === parts.length) return stat.isFile() && there.length === 0 ? join(layer, within) : undefined;
      if (!stat.isDirectory()) break;
      there.push(layer);
    }
    left = there;
    if (left.length === 0) return undefined;
  }
  return undefined;
}

/** An image may say that anything is its /etc/passwd. */
function readSmall(path: string): string | undefined {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(descriptor);
      return stat.isFile() && stat.size <= MOST_BYTES ? readFileSync(descriptor, 'utf8') : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

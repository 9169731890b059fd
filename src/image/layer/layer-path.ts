/** Names in a layer: cleaned, and what whiteouts among them hide (image-spec layer.md, "Whiteouts"). Pure. */
import { VlabError } from '../../base/errors.js';

/**
 * The components of a path, from the root of the layer. A leading `/` is that root, and `.` and `..` are resolved as words, as
 * docker does. Error (`input`): it leads out of the root, or holds a NUL byte.
 */
export function componentsOf(path: string, what = 'the path'): string[] {
  const found: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (found.pop() === undefined) throw leadsOut(path, what);
    } else found.push(part);
  }
  if (path.includes('\0')) throw new VlabError('input', `${what} ${shown(path)} holds a NUL byte`);
  return found;
}

export function leadsOut(path: string, what: string): VlabError {
  return new VlabError('input', `${what} ${shown(path)} leads out of the layer's root`, {
    hint: 'no honest tool makes such a layer: do not use this image',
  });
}

/** For messages: bytes of a name as text without control characters. */
export function shown(path: string): string {
  return JSON.stringify(Buffer.from(path, 'latin1').toString('utf8').slice(0, 300));
}

const PREFIX = '.wh.';
const META = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';

export type Mark = { kind: 'whiteout'; name: string } | { kind: 'opaque' } | { kind: 'ignored' };

/** What a name stands for when it is no file's. `ignored`: what aufs kept for itself. Error (`input`): it hides no name. */
export function markOf(name: string): Mark | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  if (name === OPAQUE) return { kind: 'opaque' };
  if (name.startsWith(META)) return { kind: 'ignored' };
  const hidden = name.slice(PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw new VlabError('input', `the whiteout ${shown(name)} hides no name inside of its directory`, {
      hint: 'no honest tool makes such a layer: do not use this image',
    });
  }
  return { kind: 'whiteout', name: hidden };
}

export const whiteoutName = (name: string) => PREFIX + name;
export const OPAQUE_NAME = OPAQUE;

/**
 * What can be seen of the host's files and of an image before a plan is made. It only makes plans shorter and knows what to
 * make where links of the image lead to nothing yet; no guard relies on it, since the files may be others when the plan runs.
 */
import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type FileKind = 'directory' | 'file';

export interface ImagePath {
  /** The path in the image with its links followed, none of them out of it. */
  path: string;
  /** So many of its components are there. */
  existing: number;
  /** Of the whole; undefined: it is not there. */
  kind: FileKind | undefined;
  /** Its permissions. */
  mode: number | undefined;
}

export interface HostFiles {
  /** Of a path of the host, links followed; undefined: it cannot be seen. */
  kindOf(path: string): FileKind | undefined;
  /** undefined: it cannot be told, since links go round or have names that are no text. */
  inImage(root: string, path: string): ImagePath | undefined;
  isEmpty(directory: string): boolean;
}

/** As many as the kernel follows: path_resolution(7). */
const MAX_LINKS = 40;

export const hostFiles: HostFiles = {
  kindOf(path) {
    const stat = seen(() => statSync(path));
    return stat && kindOf(stat);
  },
  inImage(root, path) {
    let here = '/';
    let stat: Stats | undefined = seen(() => statSync(root));
    let existing = 0;
    let links = 0;
    const rest = path.split('/').filter(Boolean);
    while (rest.length > 0) {
      const name = rest.shift() as string;
      if (name === '.') continue;
      if (name === '..') {
        here = dirname(here);
        existing = Math.min(existing, depthOf(here));
        if (existing === depthOf(here)) stat = seen(() => lstatSync(join(root, here)));
        continue;
      }
      const next = join(here, name);
      // Below what is not there, nothing is.
      const found = existing === depthOf(here) ? seen(() => lstatSync(join(root, next))) : undefined;
      if (found?.isSymbolicLink()) {
        const target = seen(() => readlinkSync(join(root, next)));
        if (++links > MAX_LINKS || target === undefined || target.includes('\ufffd')) return undefined;
        rest.unshift(...target.split('/').filter(Boolean));
        if (target.startsWith('/')) [here, existing] = ['/', 0];
        continue;
      }
      here = next;
      stat = found;
      if (found) existing = depthOf(here);
    }
    const whole = existing === depthOf(here) ? stat : undefined;
    return { path: here, existing, kind: whole && kindOf(whole), mode: whole && whole.mode & 0o7777 };
  },
  isEmpty: (directory) => seen(() => readdirSync(directory))?.length === 0,
};

function kindOf(stat: Stats): FileKind {
  return stat.isDirectory() ? 'directory' : 'file';
}

function depthOf(path: string): number {
  return path === '/' ? 0 : path.split('/').length - 1;
}

/** undefined where it is not there, or may not be seen. */
function seen<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

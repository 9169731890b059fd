/** A tree of files that is looked at by paths of its own: no link in it leads out of it. */
import type { Stats } from 'node:fs';
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../../base/errors.js';

export interface TreeEntry {
  /** Where it lies on the host. */
  real: string;
  stat: Stats;
}

export interface Tree {
  /** `path`: relative, without a slash at either end; '' is the tree itself. A link is itself, and none above it is followed. */
  entry(path: string): Promise<TreeEntry | undefined>;
  /** Of a directory, sorted. */
  names(path: string): Promise<string[]>;
}

/** A directory of the host. */
export class DirectoryTree implements Tree {
  constructor(readonly root: string) {}

  async entry(path: string): Promise<TreeEntry | undefined> {
    const real = join(this.root, path);
    const stat = statOf(real);
    return stat && { real, stat };
  }

  async names(path: string): Promise<string[]> {
    return readdirSync(join(this.root, path)).sort();
  }
}

/** Undefined: nothing is there. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** As many as Linux follows (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * The path without links and dots: what does not exist below the last directory stays as it is written. With `last` false the
 * last name may be a link. Error (`input`): more than 40 links.
 */
export async function resolvePath(tree: Tree, path: string, last = true): Promise<string> {
  let todo = path.split('/');
  let links = 0;
  const done: string[] = [];
  while (todo.length > 0) {
    const [name = '', ...rest] = todo;
    todo = rest;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const here = [...done, name].join('/');
    const found = last || rest.some((part) => part !== '' && part !== '.') ? await tree.entry(here) : undefined;
    if (!found?.stat.isSymbolicLink()) {
      done.push(name);
      continue;
    }
    if (++links > MOST_LINKS) throw new VlabError('input', `too many links in /${path}`);
    const target = readlinkSync(found.real);
    if (target.startsWith('/')) done.length = 0;
    todo = [...target.split('/'), ...rest];
  }
  return done.join('/');
}

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
  inImage: (root, path) => pathIn((within) => found(join(root, within)), path),
  isEmpty: (directory) => seen(() => readdirSync(directory))?.length === 0,
};

/** What lies at a path of an image, where no component but the last may be a link; undefined: nothing. Throws Unsure. */
export type Look = (path: string) => Found | undefined;

export interface Found {
  stat: Stats;
  /** Where it is on the host. */
  at: string;
}

/** It cannot be told. */
export class Unsure extends Error {}

export function found(at: string): Found | undefined {
  const stat = seen(() => lstatSync(at));
  return stat && { stat, at };
}

/** Walks through an image as the kernel would with the image as its root. undefined: it cannot be told. */
export function pathIn(look: Look, path: string): ImagePath | undefined {
  try {
    return walk(look, path);
  } catch (error) {
    if (error instanceof Unsure) return undefined;
    throw error;
  }
}

function walk(look: Look, path: string): ImagePath {
  let here = '/';
  let stat: Stats | undefined = look('/')?.stat;
  let existing = 0;
  let links = 0;
  const rest = path.split('/').filter(Boolean);
  while (rest.length > 0) {
    const name = rest.shift() as string;
    if (name === '.') continue;
    if (name === '..') {
      here = dirname(here);
      existing = Math.min(existing, depthOf(here));
      if (existing === depthOf(here)) stat = look(here)?.stat;
      continue;
    }
    const next = join(here, name);
    // Below what is not there, nothing is.
    const there = existing === depthOf(here) ? look(next) : undefined;
    if (there?.stat.isSymbolicLink()) {
      const target = seen(() => readlinkSync(there.at));
      if (++links > MAX_LINKS || target === undefined || target.includes('\ufffd')) throw new Unsure();
      rest.unshift(...target.split('/').filter(Boolean));
      if (target.startsWith('/')) [here, existing] = ['/', 0];
      continue;
    }
    here = next;
    stat = there?.stat;
    if (there) existing = depthOf(here);
  }
  const whole = existing === depthOf(here) ? stat : undefined;
  return { path: here, existing, kind: whole && kindOf(whole), mode: whole && whole.mode & 0o7777 };
}

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

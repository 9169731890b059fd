import { relative } from 'node:path';

/** A path as a person would type it here: relative when it lies below the current folder. */
export function shortPath(path: string, cwd = process.cwd()): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') ? path : short;
}

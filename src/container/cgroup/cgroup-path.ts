/** linux.cgroupsPath → directories (config-linux.md, "Cgroups Path"). Pure. */
import { posix } from 'node:path';
import { configError } from '../config/parse-config.js';
import type { CgroupPlace } from './places.js';

export const CGROUPS_PATH = 'linux.cgroupsPath';

export interface CgroupPath {
  /** It begins at the top of each hierarchy; otherwise at vlab's own parent there. */
  absolute: boolean;
  /** `/a/b/c`: `..` never leads out of either. */
  below: string;
  /** `/a`, `/a/b`: what stands above it. */
  parents: string[];
}

/** NAME_MAX, and PATH_MAX (limits.h) with room for where the hierarchies are and for the names of control files. */
const MOST_NAME_BYTES = 255;
const MOST_PATH_BYTES = 3500;

/**
 * An absolute path begins at the top of each hierarchy; a relative one at vlab's own parent, never at the caller's cgroup;
 * without one it is the container's id there.
 */
export function parseCgroupsPath(cgroupsPath: string | undefined, id: string): CgroupPath {
  const asked = cgroupsPath || id;
  const below = posix.normalize(`/${asked}`).replace(/\/$/, '');
  if (below === '') throw configError(CGROUPS_PATH, 'names no cgroup of its own');
  if (below.includes('\n')) throw configError(CGROUPS_PATH, 'holds a line break, which the kernel takes in no name');
  if (below.split('/').some((name) => Buffer.byteLength(name) > MOST_NAME_BYTES)) {
    throw configError(CGROUPS_PATH, `holds a name of more than ${MOST_NAME_BYTES} bytes`);
  }
  if (Buffer.byteLength(below) > MOST_PATH_BYTES) {
    throw configError(CGROUPS_PATH, `has more than ${MOST_PATH_BYTES} bytes`);
  }
  const parents: string[] = [];
  for (let at = below.indexOf('/', 1); at > 0; at = below.indexOf('/', at + 1)) parents.push(below.slice(0, at));
  return { absolute: asked.startsWith('/'), below, parents };
}

/** Where it is in one hierarchy. */
export function baseOf(place: CgroupPlace, { absolute }: CgroupPath): string {
  return absolute ? place.root : place.parent;
}

/** The directories from below `top` down to `path`, both of one hierarchy; `path` is the last. */
export function chainOf(top: string, path: string): string[] {
  const names = posix.relative(top, path).split('/').filter(Boolean);
  return names.map((_, index) => posix.join(top, ...names.slice(0, index + 1)));
}

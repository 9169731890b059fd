/** linux.cgroupsPath → directories (config-linux.md, "Cgroups Path"). Pure. */
import { posix } from 'node:path';
import { configError } from '../config/parse-config.js';
import type { CgroupPlace } from './places.js';

export const CGROUPS_PATH = 'linux.cgroupsPath';

/**
 * An absolute path begins at the top of each hierarchy; a relative one at vlab's own parent, never at the caller's cgroup;
 * without one it is the container's id there. `..` never leads out of either.
 */
export function cgroupPath(place: CgroupPlace, cgroupsPath: string | undefined, id: string): string {
  const asked = cgroupsPath || id;
  const below = posix.normalize(`/${asked}`).replace(/\/$/, '');
  if (below === '') throw configError(CGROUPS_PATH, 'names no cgroup of its own');
  if (below.includes('\n')) throw configError(CGROUPS_PATH, 'holds a line break, which the kernel takes in no name');
  return posix.join(asked.startsWith('/') ? place.root : place.parent, below);
}

/** The directories from below `top` down to `path`, both of one hierarchy; `path` is the last. */
export function chainOf(top: string, path: string): string[] {
  const names = posix.relative(top, path).split('/').filter(Boolean);
  return names.map((_, index) => posix.join(top, ...names.slice(0, index + 1)));
}

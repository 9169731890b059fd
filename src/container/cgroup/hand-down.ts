/** Which controllers a directory of version 2 gets, and who must hand them down to it. Values. cgroups(7), "subtree_control". */
import { dirname } from 'node:path';
import { configError } from '../config/parse-config.js';
import { chainOf } from './cgroup-path.js';
import type { Look } from './look.js';
import type { CgroupPlace } from './places.js';

/** cgroups(7): a threaded cgroup has these, and no others. */
const THREADED = ['cpu', 'cpuset', 'perf_event', 'pids'];

export interface HandDown {
  controllers: string[];
  handDown: { path: string; controllers: string[] }[];
  threaded: boolean;
}

/**
 * The common case costs one look: the parent hands down all that the hierarchy has. `confined`: this process may not write
 * everywhere. `asked`: controllers that limits need, with their JSON paths.
 */
export function chooseHandDown(
  place: CgroupPlace,
  path: string,
  confined: boolean,
  asked: ReadonlyMap<string, string>,
  look: Look,
): HandDown {
  const words = (directory: string, file: string) => look.read(`${directory}/${file}`)?.split(/\s+/).filter(Boolean);
  const parent = dirname(path);
  const handed = words(parent, 'cgroup.subtree_control') ?? [];
  const complete = place.controllers.every((name) => handed.includes(name));
  if (complete) return { controllers: place.controllers, handDown: [], threaded: false };
  if (['threaded', 'domain threaded'].includes(look.read(`${parent}/cgroup.type`)?.trim() ?? '')) {
    return threadedBelow(parent, handed, asked);
  }
  let available = place.controllers;
  const handDown: HandDown['handDown'] = [];
  for (const directory of [place.root, ...chainOf(place.root, parent)]) {
    const enabled = words(directory, 'cgroup.subtree_control') ?? [];
    if (confined && !look.writable(`${directory}/cgroup.subtree_control`) && look.exists(directory)) {
      available = available.filter((name) => enabled.includes(name));
      continue;
    }
    const missing = available.filter((name) => !enabled.includes(name));
    if (missing.length > 0) handDown.push({ path: directory, controllers: missing });
  }
  return { controllers: available, handDown, threaded: false };
}

function threadedBelow(parent: string, handed: readonly string[], asked: ReadonlyMap<string, string>): HandDown {
  const controllers = THREADED.filter((name) => handed.includes(name));
  for (const [name, from] of asked) {
    if (THREADED.includes(name) || name === 'cgroup' || name === 'blkio') continue;
    throw configError(from, `needs the ${name} controller, which no threaded cgroup can have, and ${parent} is one`, {
      blame: 'host',
      hint: 'choose a path that is not below a threaded cgroup',
    });
  }
  return { controllers, handDown: [], threaded: true };
}

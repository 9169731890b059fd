/**
 * Where a container's cgroup goes, and what must be made for it there. Values: `cgroupOf` looks at the machine through `look`
 * and changes nothing; the plan's steps make true what it decides. cgroups(7).
 */
import { dirname, join } from 'node:path';
import { configError } from '../config/parse-config.js';
import type { OciConfig } from '../config/schema.js';
import type { Situation } from '../situation.js';
import type { Cgroup, CgroupDirectory } from './cgroup.js';
import { baseOf, CGROUPS_PATH, type CgroupPath, parseCgroupsPath } from './cgroup-path.js';
import { chooseHandDown } from './hand-down.js';
import { type Look, MACHINE } from './look.js';
import { cgroupOwner, type Owner } from './ownership.js';
import { type CgroupPlace, usualPlaces } from './places.js';
import { controllersAskedFor } from './resource-writes.js';

/** A directory, and what must be done before it can be used. */
export interface PlannedDirectory extends CgroupDirectory {
  /** It may be there already; then it is used as it is. */
  mayExist: boolean;
  /** It is new, or what is there is a rest that nobody used: it has the values that every new cgroup has. */
  fresh: boolean;
  /** Directories between the top, or vlab's own parent, and it; topmost first. */
  parents: string[];
  /** Those of them that are not there. */
  missing: string[];
  /** Version 2: directories that must hand controllers down, topmost first. */
  handDown: { path: string; controllers: string[] }[];
  /** The cpuset controller of version 1: directories that take over their parents' processors and memory nodes, topmost first. */
  takeOver: string[];
  /** Version 2: its parent is threaded, and so it must be (cgroups(7), "Thread mode"). */
  threaded: boolean;
  owner: Owner | undefined;
}

export interface PlannedCgroup {
  cgroup: Cgroup;
  directories: PlannedDirectory[];
  /** Processes are in a directory in each of them, the top of all that they see: their limits are out of their reach. */
  inside?: boolean;
}

/** An init may write its cgroups, and leaves directories of its own in them: the owner removes them all, not the plan. */
export function forInit(planned: PlannedCgroup): PlannedCgroup {
  return { ...planned, cgroup: { ...planned.cgroup, made: [] }, inside: true };
}

/**
 * The cgroup of `vlab run`: in the usual hierarchies, whose vlab parents are made, and in those that a limit asks for. Nothing
 * is looked at: its name is new. `further`: controllers that somebody will want of it.
 */
export function usualCgroup(config: OciConfig, situation: Situation, further: readonly string[] = []): PlannedCgroup {
  const asked = controllersAskedFor(config.linux.resources);
  const usual = usualPlaces(situation.cgroups);
  const where = parseCgroupsPath(config.linux.cgroupsPath, 'container');
  const directories = usualPlaces(situation.cgroups, [...asked.keys(), ...further]).map((place) => {
    const prepared = usual.find(({ root }) => root === place.root);
    const missing = prepared ? [] : [place.parent];
    const more = place.controllers.filter((name) => !prepared?.controllers.includes(name));
    return plan(place, `${baseOf(place, where)}${where.below}`, {
      parents: missing,
      missing,
      takeOver: place.version === 1 && more.includes('cpuset') ? [place.parent] : [],
      handDown:
        place.version === 2 && more.length > 0
          ? [dirname(place.parent), place.parent].map((path) => ({ path, controllers: more }))
          : [],
    });
  });
  return planned(
    directories,
    directories.map(({ path }) => path),
  );
}

/**
 * The cgroup of an OCI container: in every hierarchy there is, at `linux.cgroupsPath`. A user who may make none goes without,
 * unless a limit asks for it. Errors: `host` for that, and when the cgroup has processes already or is frozen: they would
 * share the container's limits and its end.
 */
export function cgroupOf(config: OciConfig, id: string, situation: Situation, look: Look = MACHINE): PlannedCgroup {
  const asked = controllersAskedFor(config.linux.resources);
  const confined = situation.rootless !== undefined || look.inUserNamespace();
  const where = parseCgroupsPath(config.linux.cgroupsPath, id);
  const [leaves, above]: [string[], string[]] = [[], []];
  let found: boolean | undefined;
  const directories = situation.cgroups.flatMap((place) => {
    const base = baseOf(place, where);
    const path = `${base}${where.below}`;
    const { parents, missing, ours } = parentsOf(place, where, base, look);
    // The first hierarchy tells whether there was such a container; the others are made together with it.
    found ??= missing.length === 0 && look.exists(path);
    const last = dirname(missing[0] ?? path);
    if (confined && !look.writable(last)) {
      refuse(place, last, asked);
      return [];
    }
    leaves.push(path);
    above.push(...ours.reverse());
    const known = { parents, missing, mayExist: true };
    if (place.version === 1) return [plan(place, path, { ...known, takeOver: takenOver(place, path, missing, look) })];
    return [plan(place, path, { ...known, ...chooseHandDown(place, path, confined, asked, look) })];
  });
  if (found) mustBeIdle(directories, look);
  // Version 1 is never handed over, nor what stands beside it.
  const [only] = directories;
  if (only?.version === 2 && directories.length === 1 && !confined) only.owner = cgroupOwner(config, look);
  for (const directory of directories) directory.fresh = !found;
  return planned(directories, [...leaves, ...above]);
}

function plan(
  { version, controllers }: CgroupPlace,
  path: string,
  more: Partial<PlannedDirectory> & Pick<PlannedDirectory, 'parents' | 'missing'>,
): PlannedDirectory {
  const nothing = { mayExist: false, fresh: true, handDown: [], takeOver: [], threaded: false, owner: undefined };
  return { version, controllers, path, ...nothing, ...more };
}

function planned(directories: PlannedDirectory[], made: string[]): PlannedCgroup {
  const plain = directories.map(({ version, controllers, path }) => ({ version, controllers, path }));
  return { cgroup: { directories: plain, made }, directories };
}

interface Parents {
  /** Those that may come and go, topmost first. */
  parents: string[];
  missing: string[];
  /** Of `parents`, those that vlab makes or made, to be removed by the last one in them. */
  ours: string[];
}

/** vlab's own parent stays, so it counts only while it is missing. */
function parentsOf(place: CgroupPlace, where: CgroupPath, base: string, look: Look): Parents {
  const all = where.parents.map((parent) => `${base}${parent}`);
  if (base === place.parent && !look.exists(base)) {
    return { parents: [base, ...all], missing: [base, ...all], ours: all };
  }
  const kinds = all.map((path) => look.parent(path));
  return {
    parents: all.filter((path, index) => path !== place.parent || kinds[index] === 'missing'),
    missing: all.filter((_, index) => kinds[index] === 'missing'),
    ours: all.filter((path, index) => kinds[index] !== "another's" && path !== place.parent),
  };
}

function refuse(place: CgroupPlace, base: string, asked: ReadonlyMap<string, string>): void {
  for (const controller of place.controllers) {
    const from = asked.get(controller);
    if (from === undefined) continue;
    throw configError(from, `needs a cgroup with the ${controller} controller, but nothing may be made in ${base}`, {
      blame: 'host',
      hint: 'run it as root, or on a host that delegates cgroups to its users; `vlab doctor` shows what is there',
    });
  }
}

/**
 * A new cpuset of version 1 is empty, and takes no process, unless its parent says that children take over what it has
 * (cgroup.clone_children), which vlab says in all that it makes.
 */
function takenOver(place: CgroupPlace, path: string, missing: readonly string[], look: Look): string[] {
  if (!place.controllers.includes('cpuset')) return [];
  const first = missing[0] ?? path;
  const cpus = (directory: string) => look.read(join(directory, 'cpuset.cpus'))?.trim();
  if (missing.length === 0 && cpus(path)) return []; // it is there, and has some
  const above = dirname(first);
  if (look.read(`${above}/cgroup.clone_children`)?.trim() === '1') return [];
  const all = [first];
  for (let above = dirname(first); above !== place.root && cpus(above) === ''; above = dirname(above))
    all.unshift(above);
  return all;
}

function mustBeIdle(directories: readonly PlannedDirectory[], look: Look): void {
  const count = look.processes(directories.map(({ path }) => path));
  const blame = { blame: 'host', hint: 'choose another path, or end what runs there' } as const;
  if (count > 0) throw configError(CGROUPS_PATH, `names a cgroup that is not empty: ${count} process(es) found`, blame);
  for (const { path, version } of directories) {
    const state = look.read(join(path, version === 1 ? 'freezer.state' : 'cgroup.freeze'))?.trim();
    if (state === 'FROZEN' || state === 'FREEZING' || state === '1') {
      throw configError(CGROUPS_PATH, 'names a cgroup that is frozen', blame);
    }
  }
}

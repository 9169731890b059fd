/** Where containers' cgroups can be made: one place a hierarchy. Pure but for `preparePlaces`. cgroups(7). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, VlabError } from '../../base/errors.js';
import { type CgroupHierarchy, type CgroupLayout, readCgroupLayout } from '../../host/cgroup-layout.js';

export interface CgroupPlace {
  version: 1 | 2;
  /** The top of the hierarchy as it is mounted here, which absolute paths of configurations begin at. */
  root: string;
  /** vlab's own directory in it, for all other containers: `/sys/fs/cgroup/memory/vlab`. */
  parent: string;
  /** Version 1: those of this hierarchy (`name=systemd` where it has none). Version 2: all that its top offers. */
  controllers: string[];
}

/** What `vlab run` puts a container under: its limits, its accounts, its devices. More of them would cost time at each start. */
const USUAL = ['memory', 'cpu', 'cpuacct', 'pids', 'devices'];

/** vlab's own parent, at the top of each hierarchy: never below the caller's cgroup, whose limits would leak in. */
export const CGROUP_PARENT = 'vlab';

/**
 * Every hierarchy that containers can be put into, the usual ones first and version 2 last. Without root: below the cgroup
 * that was delegated, or beside it where its own processes forbid children (cgroups(7), "no internal processes"); the
 * first of these that can be made is to be taken.
 */
export function cgroupPlaces(layout: CgroupLayout, root: boolean): CgroupPlace[] {
  const { unified } = layout;
  if (!root) {
    // Version 1 is never delegated safely: cgroups(7), "Delegation".
    if (layout.layout !== 'v2' || !unified?.ownDirectory) return [];
    const [own, place] = [unified.ownDirectory, placeIn(unified, controllersOf(layout, unified))];
    return [...new Set([dirname(own), own])].map((base) => ({ ...place, parent: join(base, CGROUP_PARENT) }));
  }
  const named = Object.entries(layout.named).map(([name, hierarchy]) => [`name=${name}`, hierarchy] as const);
  const known = Object.entries(layout.controllers).sort(([a], [b]) => rankOf(a) - rankOf(b));
  const places = new Map<string, CgroupPlace>();
  for (const [name, hierarchy] of [...known, ...named]) {
    if (hierarchy.version === 2 || hierarchy.readOnly) continue;
    const place = places.get(hierarchy.mountPoint);
    if (place) place.controllers.push(name);
    else places.set(hierarchy.mountPoint, placeIn(hierarchy, [name]));
  }
  if (unified && !unified.readOnly) places.set(unified.mountPoint, placeIn(unified, controllersOf(layout, unified)));
  return [...places.values()];
}

function rankOf(controller: string): number {
  const rank = USUAL.indexOf(controller);
  return rank < 0 ? USUAL.length : rank;
}

function placeIn({ version, mountPoint }: CgroupHierarchy, controllers: string[]): CgroupPlace {
  return { version, root: mountPoint, parent: join(mountPoint, CGROUP_PARENT), controllers };
}

function controllersOf(layout: CgroupLayout, hierarchy: CgroupHierarchy): string[] {
  return Object.keys(layout.controllers).filter((name) => layout.controllers[name] === hierarchy);
}

/**
 * The places that `vlab run` uses, and of version 2 only the controllers that it uses, besides those of `more`. Pure. Version
 * 2 is left out where version 1 has them all.
 */
export function usualPlaces(places: readonly CgroupPlace[], more: readonly string[] = []): CgroupPlace[] {
  const wanted = (name: string) => USUAL.includes(name) || more.includes(name);
  const chosen = places.flatMap((place) => {
    const controllers = place.controllers.filter(wanted);
    if (place.version === 1) return controllers.length > 0 ? [place] : [];
    return [{ ...place, controllers }];
  });
  const onVersion1 = chosen.some(({ version }) => version === 1);
  return chosen.filter(({ version, controllers }) => version === 1 || controllers.length > 0 || !onVersion1);
}

/** vlab's parent in every hierarchy there is. */
export function everyCgroupParent(layout: CgroupLayout = readCgroupLayout()): string[] {
  return cgroupPlaces(layout, true).map(({ parent }) => parent);
}

/** So long a resident process relies on how the hierarchies are mounted: reading that costs more than a whole container's plan. */
const FRESH_MS = 5000;
let latest: { places: CgroupPlace[]; root: boolean; at: number } | undefined;

/** The places of this machine, as they were at most 5 s ago. */
export function currentPlaces(root: boolean): CgroupPlace[] {
  if (!latest || latest.root !== root || performance.now() - latest.at > FRESH_MS) {
    latest = { places: preparePlaces(readCgroupLayout(), root), root, at: performance.now() };
  }
  return latest.places;
}

/** Reads where this machine's containers can go, and makes vlab's parents of the usual places. */
export function preparePlaces(layout: CgroupLayout, root: boolean): CgroupPlace[] {
  const places = cgroupPlaces(layout, root);
  if (!root) {
    for (const candidate of places) {
      const made = makeParent(candidate);
      if (made) return [made];
    }
    return [];
  }
  const refused = usualPlaces(places).filter((place) => makeParent(place) === undefined);
  return places.filter(({ root: top }) => !refused.some((place) => place.root === top));
}

/** Makes vlab's parent. The place as it is then; undefined where it cannot be made: the hierarchy is not delegated. */
function makeParent(place: CgroupPlace): CgroupPlace | undefined {
  try {
    mkdirSync(place.parent, { recursive: true });
    if (place.version === 2) return { ...place, controllers: handDown(place) };
    return place;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) return undefined;
    throw new VlabError('host', `cannot make the cgroup ${place.parent}`, {
      cause: error,
      hint: 'run `vlab doctor` to see how cgroups are mounted here',
    });
  }
}

/**
 * Version 2: a controller works in a child only where every ancestor hands it down (cgroups(7), subtree_control). Those of the
 * place's that its parent hands down at the end; an ancestor may refuse, since it has processes or is not ours.
 */
function handDown(place: CgroupPlace): string[] {
  let handed: string[] = [];
  for (const directory of [dirname(place.parent), place.parent]) {
    const control = join(directory, 'cgroup.subtree_control');
    if (!existsSync(control)) continue; // not a cgroup: a test's own folder
    const available = wordsOf(join(directory, 'cgroup.controllers'));
    const wanted = place.controllers.filter((name) => available.includes(name));
    const missing = wanted.filter((name) => !wordsOf(control).includes(name));
    for (const name of missing) {
      try {
        writeFileSync(control, `+${name}`);
      } catch (error) {
        // EINVAL: the processor controller, while realtime processes are outside of the top.
        if (!['EACCES', 'EPERM', 'EBUSY', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error;
      }
    }
    handed = wanted.filter((name) => wordsOf(control).includes(name));
  }
  return handed;
}

function wordsOf(file: string): string[] {
  return readFileSync(file, 'utf8').split(/\s+/).filter(Boolean);
}

/** What the compiler of container plans must know of the machine. Read once; the compiler itself is pure. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { type CgroupLayout, readCgroupLayout } from '../host/cgroup-layout.js';
import { type Arch, hostArch } from '../sys/abi.js';

/** A directory in which vlab makes the cgroups of its containers. */
export interface CgroupPlace {
  version: 1 | 2;
  /** `/sys/fs/cgroup/memory/vlab` */
  parent: string;
  controllers: string[];
}

export interface Situation {
  arch: Arch;
  cgroups: CgroupPlace[];
  /** Masked and read-only paths that this kernel has. */
  kernelPaths: Record<string, 'file' | 'directory'>;
  rootless: { uid: number; gid: number } | undefined;
}

/** Controllers that a container is put under: its limits, its accounts, its devices. */
const WANTED = ['memory', 'cpu', 'cpuacct', 'pids', 'devices'];
/** Of those, the ones that version 2 has. */
const WANTED_V2 = ['memory', 'cpu', 'pids'];

/** vlab's own parent, at the top of each hierarchy: never below the caller's cgroup, whose limits would leak in. */
export const CGROUP_PARENT = 'vlab';

/** Reads this machine's situation and makes the cgroup parents. */
export function readSituation(paths: readonly string[], layout: CgroupLayout = readCgroupLayout()): Situation {
  const uid = process.getuid?.() ?? 0;
  return {
    arch: hostArch(),
    cgroups: cgroupPlaces(layout, uid === 0).filter(makeParent),
    kernelPaths: Object.fromEntries(
      paths.flatMap((path) => {
        const stat = statSync(path, { throwIfNoEntry: false });
        return stat ? [[path, stat.isDirectory() ? 'directory' : 'file'] as const] : [];
      }),
    ),
    rootless: uid === 0 ? undefined : { uid, gid: process.getgid?.() ?? 0 },
  };
}

/** Where containers' cgroups go, by layout. Pure. Without root: below the own cgroup of a delegated v2 hierarchy. */
export function cgroupPlaces(layout: CgroupLayout, root: boolean): CgroupPlace[] {
  if (layout.layout === 'v2' && layout.unified) {
    const base = root ? layout.unified.mountPoint : layout.unified.ownDirectory;
    const controllers = WANTED_V2.filter((name) => layout.controllers[name]);
    return base ? [{ version: 2, parent: join(base, CGROUP_PARENT), controllers }] : [];
  }
  if (!root) return []; // version 1 is never delegated safely: cgroups(7), "Delegation"
  const places = new Map<string, CgroupPlace>();
  for (const name of WANTED) {
    const hierarchy = layout.controllers[name];
    if (hierarchy?.version !== 1 || hierarchy.readOnly) continue;
    const parent = join(hierarchy.mountPoint, CGROUP_PARENT);
    const known = places.get(parent);
    if (known) known.controllers.push(name);
    else places.set(parent, { version: 1, parent, controllers: [name] });
  }
  return [...places.values()];
}

/** vlab's parent in every hierarchy there is: a peer puts a container into more of them than vlab does. */
export function everyCgroupParent(layout: CgroupLayout = readCgroupLayout()): string[] {
  const hierarchies = [...Object.values(layout.controllers), ...Object.values(layout.named), layout.unified];
  const mountPoints = hierarchies.flatMap((hierarchy) => (hierarchy ? [hierarchy.mountPoint] : []));
  return [...new Set(mountPoints)].map((mountPoint) => join(mountPoint, CGROUP_PARENT));
}

/** False where the parent cannot be made (a hierarchy that is not delegated): the container goes without. */
function makeParent(place: CgroupPlace): boolean {
  try {
    mkdirSync(place.parent, { recursive: true });
    if (place.version === 2) delegate(place);
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) return false;
    throw new VlabError('host', `cannot make the cgroup ${place.parent}`, {
      cause: error,
      hint: 'run `vlab doctor` to see how cgroups are mounted here',
    });
  }
}

/** Version 2: a controller works in a child only where every ancestor hands it down (cgroups(7), subtree_control). */
function delegate(place: CgroupPlace): void {
  for (const directory of [join(place.parent, '..'), place.parent]) {
    const control = join(directory, 'cgroup.subtree_control');
    if (!existsSync(control)) continue;
    const enabled = readFileSync(control, 'utf8').split(/\s+/);
    const missing = place.controllers.filter((name) => !enabled.includes(name));
    if (missing.length > 0) writeFileSync(control, missing.map((name) => `+${name}`).join(' '));
  }
}

/** What `vlab clean` removes and what it leaves, decided from what was seen on the machine. Pure. */

export interface SeenCgroup {
  directory: string;
  /** Processes in it or below it. */
  pids: number[];
  ageSeconds: number;
}

export interface SeenOwner {
  id: string;
  alive: boolean;
  pid: number;
  cgroups: readonly string[];
  paths: readonly string[];
}

export interface Seen {
  runDir: string;
  /** Absolute paths of what is in the run directory. */
  runEntries: readonly string[];
  owners: readonly SeenOwner[];
  /** Every cgroup directly below one of vlab's parents. */
  cgroups: readonly SeenCgroup[];
  /** The launcher of this run directory and its children. */
  launcher: { pid: number; children: number[] } | undefined;
  /** Folders of the cache; empty unless they are to go too. */
  caches: readonly string[];
}

export type Leftover =
  | { kind: 'owner'; id: string; cgroups: readonly string[]; paths: readonly string[] }
  | { kind: 'cgroup'; path: string }
  | { kind: 'launcher'; pid: number }
  | { kind: 'run'; path: string }
  | { kind: 'cache'; path: string };

export interface Kept {
  what: string;
  why: string;
}

/** A cgroup is made a moment before its first process joins it; younger ones may belong to another run directory. */
const YOUNG_SECONDS = 60;
const LAUNCHER_CGROUP = '/launcher';

export function chooseLeftovers(seen: Seen): { remove: Leftover[]; keep: Kept[] } {
  const remove: Leftover[] = [];
  const keep: Kept[] = [];
  const living = seen.owners.filter((owner) => owner.alive);
  const busyLauncher = (seen.launcher?.children.length ?? 0) > 0;
  const stopped = living.length === 0 && !busyLauncher ? seen.launcher?.pid : undefined;

  for (const owner of living) keep.push({ what: owner.id, why: `its owner, process ${owner.pid}, is alive` });
  for (const { id, alive, cgroups, paths } of seen.owners)
    if (!alive) remove.push({ kind: 'owner', id, cgroups, paths });

  if (busyLauncher) {
    keep.push({ what: `launcher ${seen.launcher?.pid}`, why: `it has ${seen.launcher?.children.length} processes` });
  } else if (stopped !== undefined) remove.push({ kind: 'launcher', pid: stopped });

  const claimed = seen.owners.flatMap((owner) => owner.cgroups);
  for (const cgroup of seen.cgroups) {
    if (claimed.some((pattern) => matches(pattern, cgroup.directory))) continue; // with its owner, whichever way
    const others = cgroup.pids.filter((pid) => pid !== stopped);
    if (others.length > 0 && cgroup.directory.endsWith(LAUNCHER_CGROUP)) continue; // every run directory's launcher
    if (others.length > 0) {
      const pids = others.slice(0, 3).join(', ');
      keep.push({ what: cgroup.directory, why: `processes are in it that no record of ${seen.runDir} names: ${pids}` });
    } else if (cgroup.pids.length === 0 && cgroup.ageSeconds < YOUNG_SECONDS) {
      keep.push({ what: cgroup.directory, why: `it is empty but only ${Math.floor(cgroup.ageSeconds)} s old` });
    } else remove.push({ kind: 'cgroup', path: cgroup.directory });
  }

  // Without a living owner nothing in the run directory is in use; with one, only what the records name is certain.
  if (living.length === 0 && !busyLauncher) {
    for (const path of seen.runEntries) remove.push({ kind: 'run', path });
  }
  for (const path of seen.caches) remove.push({ kind: 'cache', path });
  return { remove, keep };
}

/** A record's `…/vlab-1f*` stands for all that begin so. */
function matches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

/** One line for a person. */
export function describeLeftover(leftover: Leftover): string {
  switch (leftover.kind) {
    case 'owner': {
      const things = [...leftover.cgroups, ...leftover.paths].join(', ') || 'nothing';
      return `${leftover.id}, whose owner is gone: ${things}`;
    }
    case 'launcher':
      return `the idle launcher, process ${leftover.pid}`;
    case 'cgroup':
      return `cgroup ${leftover.path}`;
    default:
      return leftover.path;
  }
}

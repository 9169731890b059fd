/** What `vlab clean` removes and what it leaves, decided from what was seen on the machine. Pure. */
import { basename } from 'node:path';

/** One cgroup of vlab's, which on version 1 is a directory in each hierarchy. */
export interface SeenCgroup {
  name: string;
  directories: string[];
  /** Processes in it or below it. */
  pids: number[];
  /** Of the youngest directory. */
  ageSeconds: number;
}

export interface SeenOwner {
  id: string;
  alive: boolean;
  pid: number;
  cgroups: readonly string[];
  paths: readonly string[];
}

/** A launcher of this or another version of vlab that answers in the run directory. */
export interface SeenLauncher {
  directory: string;
  pid: number;
  children: number[];
}

export interface Seen {
  runDir: string;
  /** Absolute paths of what is in the run directory. */
  runEntries: readonly string[];
  owners: readonly SeenOwner[];
  /** Every cgroup directly below vlab's parents. */
  cgroups: readonly SeenCgroup[];
  launchers: readonly SeenLauncher[];
  /** Folders of the cache; empty unless they are to go too. */
  caches: readonly string[];
}

export type Leftover =
  | { kind: 'owner'; id: string; cgroups: readonly string[]; paths: readonly string[] }
  | { kind: 'cgroup'; name: string; directories: readonly string[] }
  | { kind: 'launcher'; pid: number }
  | { kind: 'run'; path: string }
  | { kind: 'cache'; path: string };

export interface Kept {
  what: string;
  why: string;
}

export interface Choice {
  remove: Leftover[];
  keep: Kept[];
}

/** A cgroup is made a moment before its first process joins it; younger ones may belong to another run directory. */
const YOUNG_SECONDS = 60;
/** The launchers of every run directory share it. */
const LAUNCHER_CGROUP = 'launcher';

export function chooseLeftovers(seen: Seen): Choice {
  const choice: Choice = { remove: [], keep: [] };
  const living = seen.owners.filter((owner) => owner.alive);
  const busy = seen.launchers.filter((launcher) => launcher.children.length > 0);
  const inUse = living.length > 0 || busy.length > 0;

  for (const owner of living) choice.keep.push({ what: owner.id, why: `its owner, process ${owner.pid}, is alive` });
  for (const { id, alive, cgroups, paths } of seen.owners) {
    if (!alive) choice.remove.push({ kind: 'owner', id, cgroups, paths });
  }
  for (const { pid, children } of busy) {
    choice.keep.push({ what: `launcher ${pid}`, why: `it has ${children.length} processes` });
  }
  const stopped = inUse ? [] : seen.launchers.map(({ pid }) => pid);
  for (const pid of stopped) choice.remove.push({ kind: 'launcher', pid });
  for (const cgroup of seen.cgroups) chooseCgroup(cgroup, seen, stopped, choice);
  // While anything of the run directory is in use, only what the records name is certain to be left over.
  if (!inUse) for (const path of seen.runEntries) choice.remove.push({ kind: 'run', path });
  for (const path of seen.caches) choice.remove.push({ kind: 'cache', path });
  return choice;
}

function chooseCgroup(cgroup: SeenCgroup, seen: Seen, stopped: readonly number[], choice: Choice): void {
  const { name, directories } = cgroup;
  // One that a record names goes or stays with its owner.
  if (seen.owners.some((owner) => owner.cgroups.some((pattern) => matches(basename(pattern), name)))) return;
  const others = cgroup.pids.filter((pid) => !stopped.includes(pid));
  const young = cgroup.pids.length === 0 && cgroup.ageSeconds < YOUNG_SECONDS;
  if (name === LAUNCHER_CGROUP && (others.length > 0 || young)) return;
  if (others.length > 0) {
    const pids = others.slice(0, 3).join(', ');
    choice.keep.push({ what: `cgroup ${name}`, why: `processes that no record of ${seen.runDir} names: ${pids}` });
  } else if (young) {
    choice.keep.push({ what: `cgroup ${name}`, why: `empty, but only ${Math.floor(cgroup.ageSeconds)} s old` });
  } else choice.remove.push({ kind: 'cgroup', name, directories });
}

/** A record's `vlab-1f*` stands for all that begin so. */
function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
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
      return `cgroup ${leftover.name}`;
    default:
      return leftover.path;
  }
}

import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { cacheDir, runDir } from '../../base/paths.js';
import { cgroupPlaces, everyCgroupParent } from '../../container/cgroup/places.js';
import { readCgroupLayout } from '../../host/cgroup-layout.js';
import { launcherPid } from '../../sys/launcher.js';
import { listOwners, parentOf } from '../../sys/owners.js';
import { membersOf, subdirectories } from '../../sys/remove-cgroup.js';
import type { Seen, SeenCgroup, SeenLauncher, SeenOwner } from './leftovers.js';

/** The folders that vlab makes in its cache; nothing else there is touched, in case VLAB_CACHE_DIR names a shared place. */
export const CACHE_FOLDERS = [
  ...['code', 'criu', 'images', 'initramfs', 'kernels', 'kvm', 'native', 'qemu', 'rootfs', 'seccomp', 'storage', 'tsc'],
  'autocomplete',
  'test-roots', // of vlab's own tests
];

/** Reads what vlab may have left on this machine. Changes nothing. */
export function lookAround({ caches }: { caches: boolean }): Seen {
  const entries = listOrEmpty(runDir());
  return {
    runDir: runDir(),
    runEntries: entries.map((name) => join(runDir(), name)),
    owners: entries.length === 0 ? [] : recordedOwners(),
    cgroups: groupByName(cgroupParents().flatMap(subdirectories)),
    launchers: launchersIn(entries),
    caches: caches
      ? listOrEmpty(cacheDir())
          .filter(isOurCache)
          .map((name) => join(cacheDir(), name))
      : [],
  };
}

/** vlab's own parent cgroups: where it makes them itself and, with root, where its peers do. */
export function cgroupParents(): string[] {
  if (process.getuid?.() === 0) return everyCgroupParent();
  return cgroupPlaces(readCgroupLayout(), false).map(({ parent }) => parent);
}

function recordedOwners(): SeenOwner[] {
  return listOwners().map(({ id, alive, owner, cgroups, paths }) => ({ id, alive, pid: owner.pid, cgroups, paths }));
}

function launchersIn(entries: string[]): SeenLauncher[] {
  const found: SeenLauncher[] = [];
  for (const name of entries.filter((entry) => entry.startsWith('launcher-'))) {
    const directory = join(runDir(), name);
    const pid = launcherPid(directory);
    if (pid !== undefined) found.push({ directory, pid, children: childrenOf(pid) });
  }
  return found;
}

function groupByName(directories: string[]): SeenCgroup[] {
  const names = [...new Set(directories.map((directory) => basename(directory)))];
  return names.map((name) => {
    const own = directories.filter((directory) => basename(directory) === name);
    return {
      name,
      directories: own,
      pids: [...new Set(own.flatMap(membersBelow))],
      ageSeconds: Math.min(...own.map(ageSecondsOf)),
    };
  });
}

function ageSecondsOf(directory: string): number {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat ? (Date.now() - stat.mtimeMs) / 1000 : 0;
}

function membersBelow(directory: string): number[] {
  return [...membersOf(directory), ...subdirectories(directory).flatMap(membersBelow)];
}

/** By proc_pid_stat(5), field 4: not every kernel has /proc/PID/task/TID/children. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function isOurCache(name: string): boolean {
  return CACHE_FOLDERS.includes(name);
}

function listOrEmpty(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

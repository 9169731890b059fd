/** The processes of a container, by its cgroup: whatever it forked, and wherever it put them below (cgroups(7)). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { membersOf, subdirectories } from '../../sys/remove-cgroup.js';
import type { Cgroup } from './cgroup.js';

/** Pids as this process sees them, ascending. Empty when the cgroup is gone, or the container has none. */
export function processesOf(cgroup: Cgroup): number[] {
  return processesBelow(cgroup.directories.map(({ path }) => path));
}

/** Pids in these directories and all below them. Those of other pid namespaces, which the kernel shows as 0, are left out. */
export function processesBelow(directories: readonly string[]): number[] {
  const pids = new Set<number>();
  const visit = (directory: string) => {
    for (const pid of membersIn(directory)) if (pid > 0) pids.add(pid);
    for (const child of subdirectories(directory)) visit(child);
  };
  for (const directory of directories) visit(directory);
  return [...pids].sort((a, b) => a - b);
}

/** A threaded cgroup names its threads only. */
function membersIn(directory: string): number[] {
  try {
    return membersOf(directory);
  } catch (error) {
    if (errnoOf(error) !== 'EOPNOTSUPP' && errnoOf(error) !== 'ENOTSUP') throw error;
  }
  const threads = readFileSync(join(directory, 'cgroup.threads'), 'utf8').split('\n').filter(Boolean);
  return threads.flatMap((thread) => processOfThread(thread));
}

function processOfThread(thread: string): number[] {
  try {
    const [, pid] = /^Tgid:\s*(\d+)$/m.exec(readFileSync(`/proc/${thread}/status`, 'utf8')) ?? [];
    return pid === undefined ? [] : [Number(pid)];
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

import { rmdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../../base/errors.js';
import { runDir } from '../../base/paths.js';
import { isAlive, listOwners, startTimeOf, sweepOwners } from '../../sys/owners.js';
import { subdirectories } from '../../sys/remove-cgroup.js';
import type { Leftover } from './leftovers.js';
import { cgroupParents } from './look-around.js';

const LAUNCHER_DEADLINE_MS = 5000;
const OWNERS = 'owners';
const SWEEP_LOCK = 'sweep.lock';

/** Removes what was chosen. What belongs to dead owners goes by their records, under the lock that all of vlab uses. */
export async function removeLeftovers(leftovers: readonly Leftover[]): Promise<void> {
  if (leftovers.some(({ kind }) => kind === 'owner')) await sweepOwners();
  for (const leftover of leftovers) {
    if (leftover.kind === 'cgroup') leftover.directories.forEach(removeEmptyCgroup);
    if (leftover.kind === 'launcher') await stopLauncher(leftover.pid);
    if (leftover.kind === 'cache') rmSync(leftover.path, { recursive: true, force: true });
    if (leftover.kind === 'run') removeRunEntry(leftover.path);
  }
  // The sweep above made it, after we had looked.
  if (leftovers.some(({ kind }) => kind === 'run')) removeRunEntry(join(runDir(), SWEEP_LOCK));
  // Last, because looking at the records makes their folder.
  removeIfEmpty(join(runDir(), OWNERS));
  removeIfEmpty(runDir());
  for (const parent of cgroupParents()) removeIfEmpty(parent);
}

/**
 * A vlab that has started since we looked wrote its record first: then nothing more of the run directory is removed. The
 * folder of records itself goes only when it is empty.
 */
function removeRunEntry(path: string): void {
  if (basename(path) === OWNERS || listOwners().some(({ alive }) => alive)) return;
  rmSync(path, { recursive: true, force: true });
}

async function stopLauncher(pid: number): Promise<void> {
  const startTime = startTimeOf(pid);
  if (startTime === undefined) return;
  process.kill(pid, 'SIGTERM');
  for (const began = Date.now(); isAlive({ pid, startTime }); await sleep(5)) {
    if (Date.now() - began > LAUNCHER_DEADLINE_MS) {
      throw new VlabError(
        'operation',
        `the launcher, process ${pid}, did not end within ${LAUNCHER_DEADLINE_MS / 1000} s`,
        {
          hint: `look at /proc/${pid}/stack and /proc/${pid}/status, then kill -KILL ${pid}`,
        },
      );
    }
  }
}

/** Kills nobody: a cgroup that somebody joined meanwhile is busy and stays. */
function removeEmptyCgroup(directory: string): void {
  for (const child of subdirectories(directory)) removeEmptyCgroup(child);
  removeIfEmpty(directory);
}

/** A cgroup parent stays while another run directory uses it. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY', 'EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  }
}

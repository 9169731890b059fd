/** Removes a cgroup that vlab made, ending what is still in it. Untimed; acts on the machine. */
import { readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../base/errors.js';
import { signalIfThere } from './signal.js';

const DEADLINE_MS = 5000;

/**
 * Kills every process in `directory` and its children, then removes them, deepest first. A directory that is not there is
 * fine. Error (`operation`): it is still busy after 5 s.
 */
export async function removeCgroup(directory: string): Promise<void> {
  for (const began = Date.now(); ; await sleep(2)) {
    for (const child of subdirectories(directory)) await removeCgroup(child);
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      if (errnoOf(error) !== 'EBUSY' || Date.now() - began > DEADLINE_MS) {
        throw new VlabError('operation', `cannot remove the cgroup ${directory}`, {
          cause: error,
          hint: `look at ${join(directory, 'cgroup.procs')} for what still runs in it`,
        });
      }
    }
    // 0 is a process of another pid namespace, which is not ours.
    for (const pid of membersOf(directory)) if (pid > 0) signalIfThere(pid, 'SIGKILL');
  }
}

/** Directories below `directory`; empty when it is gone. */
export function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(directory, entry.name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The pids in a cgroup; empty when the cgroup is gone. */
export function membersOf(directory: string): number[] {
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

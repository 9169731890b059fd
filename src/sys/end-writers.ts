/** Ends what still writes to the files of a start that was given up. Untimed; acts on the machine. */
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../base/errors.js';
import { signalIfThere } from './signal.js';

const DEADLINE_MS = 5000;

/**
 * Kills every process whose standard output or error is one of `files`, and waits until there is none. A file that is not
 * there is fine. Error (`operation`): one of them still runs after 5 s.
 */
export async function endWriters(files: readonly string[]): Promise<void> {
  const paths = new Set(files.flatMap(realPath));
  for (const began = Date.now(); paths.size > 0; await sleep(2)) {
    const pids = writersOf(paths);
    if (pids.length === 0) return;
    if (Date.now() - began > DEADLINE_MS) {
      throw new VlabError('operation', `cannot end the process ${pids[0]}, which writes to ${[...paths][0]}`, {
        hint: `look at /proc/${pids[0]}/status for what it waits for`,
      });
    }
    for (const pid of pids) signalIfThere(pid, 'SIGKILL');
  }
}

/** As /proc shows it, without symbolic links. */
function realPath(file: string): string[] {
  try {
    return [realpathSync(file)];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** By the links of /proc/PID/fd (proc_pid_fd(5)). A process that has ended has none, also before it is reaped. */
function writersOf(paths: ReadonlySet<string>): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => [1, 2].some((fd) => paths.has(linkOf(`/proc/${pid}/fd/${fd}`))))
    .map(Number);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    // It ended meanwhile, has closed it, or belongs to somebody else.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return '';
    throw error;
  }
}

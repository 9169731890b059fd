import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { privateDir, runDir } from '../base/paths.js';

const PREFIX = 'bench-';

/**
 * A folder for what trials write, on the run directory's tmpfs so that a trial waits for no disk. Its name says who owns
 * it, (pid, start time); folders whose owner is gone are removed on the way.
 */
export function makeScratch(): { dir: string } & Disposable {
  const parent = privateDir(runDir());
  removeOrphans(parent);
  const dir = mkdtempSync(join(parent, `${PREFIX}${process.pid}-${startTimeOf(process.pid)}-`));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

function removeOrphans(parent: string): void {
  for (const name of readdirSync(parent)) {
    const owner = /^bench-(\d+)-(\d+)-/.exec(name);
    if (owner && startTimeOf(Number(owner[1])) !== owner[2])
      rmSync(join(parent, name), { recursive: true, force: true });
  }
}

/** proc_pid_stat(5), field 22: clock ticks from boot to the start of the process; undefined when it is gone. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in field 2 may hold spaces and brackets: count from the last bracket, after which field 3 follows.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

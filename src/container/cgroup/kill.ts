/** A signal for every process of a container, wherever it hides among its children (`kill --all`). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalIfThere } from '../../sys/signal.js';
import { type Cgroup, unifiedOf } from './cgroup.js';
import { writeControl } from './control-file.js';
import { isPaused, pause, resume, resumeKilled } from './freezer.js';
import { processesOf } from './processes.js';

const SIGKILL = 9;
const DEADLINE_MS = 5000;

/**
 * SIGKILL by version 2 reaches also what forks at this moment. Otherwise the container is paused while its processes are
 * counted, so that none is missed; where it cannot be paused, it is asked again until only known ones are there.
 */
export async function killAll(cgroup: Cgroup, signal: number): Promise<void> {
  const unified = unifiedOf(cgroup);
  if (signal === SIGKILL && unified && existsSync(join(unified.path, 'cgroup.kill'))) {
    writeControl(unified, 'cgroup.kill', '1');
    await resumeKilled(cgroup); // the freezer of version 1 holds even the killed
    return;
  }
  const wasPaused = isPaused(cgroup);
  const held = wasPaused || (await tryPause(cgroup));
  const signalled = new Set<number>();
  try {
    for (const began = Date.now(); Date.now() - began < DEADLINE_MS; await sleep(1)) {
      const fresh = processesOf(cgroup).filter((pid) => !signalled.has(pid));
      for (const pid of fresh) signalIfThere(pid, signal);
      for (const pid of fresh) signalled.add(pid);
      if (held || fresh.length === 0) break;
    }
  } finally {
    // Who was paused stays so, but not the killed: they could not end.
    if (signal === SIGKILL) await resumeKilled(cgroup);
    else if (held && !wasPaused) await resume(cgroup);
  }
}

async function tryPause(cgroup: Cgroup): Promise<boolean> {
  try {
    await pause(cgroup);
    return true;
  } catch {
    return false;
  }
}

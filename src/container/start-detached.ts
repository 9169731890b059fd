/**
 * Starts a container that outlives its caller: the launcher's performer is its parent and its owner, and removes its
 * cgroups when it ends. It dies with the launcher.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../base/errors.js';
import { own, parentOf } from '../sys/owners.js';
import { isPerformer } from '../sys/performer.js';
import { type Observed, readObserved } from '../sys/stamps.js';
import { asDocker, type PreparedRun } from './run-container.js';
import { sharedLauncher } from './shared-launcher.js';

/** In the container's own directory: what it is, for whoever runs a further program in it. */
export const CONFIG_FILE = 'config.json';

/** Resolves when its program runs. Throws as runContainer does when the program could not be run. */
export async function startDetached(prepared: PreparedRun): Promise<{ pid: number }> {
  const { id, outputDir, cgroupDirectories } = prepared;
  if (outputDir === undefined) throw new RangeError('the run was not prepared as detached');
  const resident = await sharedLauncher();
  const ownership = own(id, { cgroups: cgroupDirectories, paths: [outputDir] });
  mkdirSync(outputDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(outputDir, CONFIG_FILE), JSON.stringify(prepared.config), { mode: 0o600 });
  try {
    const performance = await resident.perform(prepared.plan);
    const noted = new Promise<Observed>((resolve) => {
      performance.onNote = (payload) => resolve(readObserved(payload));
    });
    const ended = performance.ended.then(({ failure, reply }) => {
      if (failure) throw asDocker(failure);
      return readObserved(reply);
    });
    const { pid } = await Promise.race([noted, ended]);
    const performer = parentOf(pid);
    // The note says that the program runs or has failed; if vlab-init is still what runs, or nothing is, the end tells.
    if (performer === undefined || !(await runsProgram(pid))) await ended;
    else {
      ownership.handTo(performer, { pid, command: prepared.config.process.args, startedAt: new Date().toISOString() });
      performance.detach();
    }
    return { pid };
  } catch (error) {
    await ownership[Symbol.asyncDispose]();
    throw error;
  }
}

const EXEC_MS = 1000;

/** On its way through exec a process is hidden from its own user for a moment longer than the pipe is open. */
async function runsProgram(pid: number): Promise<boolean> {
  for (const began = Date.now(); ; await sleep(1)) {
    try {
      return !isPerformer(pid);
    } catch (error) {
      const errno = errnoOf(error) ?? '';
      if (['ENOENT', 'ESRCH'].includes(errno)) return false;
      if (errno !== 'EACCES' || Date.now() - began > EXEC_MS) throw error;
    }
  }
}

/** The planner as a process: started, found and ended by `vlab planner`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../base/errors.js';
import { mustBePrivate, packageRoot, runDir } from '../base/paths.js';
import { hasEnded, isAlive, type Process } from '../sys/owners.js';
import { signalIfThere } from '../sys/signal.js';
import { makePlannerDir, plannerDir, plannerSocket } from './planner-place.js';

const DEADLINE_MS = 10_000;

/** The running planner of this version, or undefined. */
export function runningPlanner(dir: string = plannerDir()): Process | undefined {
  try {
    const found = JSON.parse(readFileSync(join(dir, 'process.json'), 'utf8')) as Process;
    return isAlive(found) ? found : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Starts one and returns when it listens; one that runs is left alone. Error (`operation`): it ends instead, and why. */
export async function startPlanner(): Promise<Process & { started: boolean }> {
  const known = runningPlanner();
  if (known) return { ...known, started: false };
  const dir = makePlannerDir();
  const logPath = join(dir, 'planner.log');
  const log = openSync(logPath, 'w', 0o600);
  const child = spawn(process.execPath, [join(packageRoot(), 'bin/vlab-oci.cjs'), '--serve-planner'], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  let ended = false;
  void once(child, 'exit').then(() => {
    ended = true;
  });
  for (const began = Date.now(); Date.now() - began < DEADLINE_MS; await sleep(5)) {
    const found = runningPlanner(dir);
    if (found && existsSync(plannerSocket(dir))) return { ...found, started: true };
    // It may have left the place to another, which was started at the same moment and is not ready yet.
    if (ended && readFileSync(logPath, 'utf8') !== '') break;
  }
  throw new VlabError(
    'operation',
    `the planner did not start: ${readFileSync(logPath, 'utf8').trim().split('\n').at(-1)}`,
    {
      hint: `look at ${logPath}`,
    },
  );
}

/** Ends this user's planners, those of other versions of vlab too. Returns the pids of those that ran. */
export async function stopPlanners(): Promise<number[]> {
  const stopped: number[] = [];
  for (const dir of plannerDirs()) {
    const found = runningPlanner(dir);
    if (found) {
      await endProcess(found);
      stopped.push(found.pid);
    }
    rmSync(dir, { recursive: true, force: true });
  }
  return stopped;
}

function plannerDirs(): string[] {
  try {
    mustBePrivate(runDir());
    return readdirSync(runDir())
      .filter((name) => name.startsWith('planner-'))
      .map((name) => join(runDir(), name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function endProcess(planner: Process): Promise<void> {
  signalIfThere(planner.pid, 'SIGTERM');
  for (const began = Date.now(); !hasEnded(planner); await sleep(5)) {
    if (Date.now() - began > DEADLINE_MS) signalIfThere(planner.pid, 'SIGKILL');
  }
}

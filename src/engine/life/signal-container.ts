/** Signals for a container's first process, and its end: `kill`, `stop`, `restart`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../../base/errors.js';
import { signalNumber } from '../../base/signals.js';
import { resume, resumeKilled } from '../../container/cgroup/freezer.js';
import { signalPlan } from '../../oci/signal-plan.js';
import { hostArch } from '../../sys/abi.js';
import { AGREED, REFUSED } from '../../sys/agreement.js';
import { hasEnded, type Process } from '../../sys/owners.js';
import { startOnce } from '../../sys/perform-once.js';
import { untilEnded } from '../../sys/until-ended.js';
import { emitContainer } from '../events/container-event.js';
import type { ContainerState } from '../record/container-state.js';
import { isRunning, statusOf } from '../record/container-status.js';
import { type ContainerRecord, withContainer, writeState } from '../record/records.js';
import { settle } from '../record/settle.js';

const SIGKILL = 9;
/** docker's, where neither the command nor the container says. */
const STOP_TIMEOUT_S = 10;
/** Signals that are sent to end something: a policy must not start it again then. */
const ENDING = new Set([SIGKILL, 15, 2, 3]);

/** `signal`: name or number. Errors: `input` for no signal or no container, `operation` when it does not run. */
export async function killContainer(id: string, signal: string): Promise<void> {
  const number = signalNumber(signal);
  await withContainer(id, async (record) => {
    const { state, definition } = record;
    if (!isRunning(state)) throw notRunning(record);
    if (ENDING.has(number) || number === signalNumber(definition.stopSignal)) {
      writeState(id, { ...state, stopAsked: true });
    }
    await sendTo(state, number);
    if (number === SIGKILL && state.cgroup) await resumeKilled(state.cgroup);
    emitContainer(record, 'kill', { signal: String(number) });
  });
}

function notRunning({ id, state }: ContainerRecord): VlabError {
  return new VlabError('operation', `cannot kill container: ${state.name}: container ${id} is not running`);
}

/** Ends it at once; for who has its lock. It is left to be settled. */
export async function killLocked(record: ContainerRecord): Promise<void> {
  const { id, state } = record;
  const { process: init } = state;
  if (!init) return;
  writeState(id, { ...state, stopAsked: true });
  await sendTo(state, SIGKILL);
  if (state.cgroup) await resumeKilled(state.cgroup);
  emitContainer(record, 'kill', { signal: String(SIGKILL) });
  await untilEnded(init);
}

export interface Stop {
  /** Default: the container's. */
  signal?: string | undefined;
  /** Then it is killed; negative: never. Default: the container's, or 10 s. */
  timeoutS?: number | undefined;
}

/** Ends it, and waits for that. False: it did not run. A restart that its policy was waiting for does not come. */
export async function stopContainer(id: string, how: Stop = {}): Promise<boolean> {
  const asked = await withContainer(id, async (record) => {
    const { state, definition } = record;
    if (!isRunning(state)) {
      const { restartAt: _, ...rest } = state;
      if (state.phase === 'exited') writeState(id, { ...rest, stopAsked: true });
      return undefined;
    }
    writeState(id, { ...state, stopAsked: true });
    const signal = signalNumber(how.signal ?? definition.stopSignal);
    await sendTo(state, signal);
    if (statusOf(state) === 'paused' && state.cgroup) await resume(state.cgroup); // or it could not end
    emitContainer(record, 'kill', { signal: String(signal) });
    return { record, timeoutS: how.timeoutS ?? definition.stopTimeoutS ?? STOP_TIMEOUT_S };
  });
  if (!asked) return false;
  const { record, timeoutS } = asked;
  const { process: init } = record.state;
  if (init && !(await endsWithin(init, timeoutS < 0 ? Number.POSITIVE_INFINITY : timeoutS * 1000))) {
    await killAsStopped(record);
    await untilEnded(init);
  }
  await settleUnlessGone(id);
  emitContainer(record, 'stop');
  return true;
}

/** Not with the lock: whoever has it may be waiting for this end. */
async function killAsStopped(record: ContainerRecord): Promise<void> {
  await sendTo(record.state, SIGKILL);
  if (record.state.cgroup) await resumeKilled(record.state.cgroup);
  emitContainer(record, 'kill', { signal: String(SIGKILL) });
}

/** It may have been removed when it ended. */
export async function settleUnlessGone(id: string): Promise<void> {
  try {
    await settle(id);
  } catch (error) {
    if (!(error instanceof VlabError && error.message.startsWith('No such container'))) throw error;
  }
}

/** By a descriptor of the very process: a pid that is used anew meanwhile is not meant. One that has ended is fine. */
async function sendTo({ process: init }: ContainerState, signal: number): Promise<void> {
  if (!init || hasEnded(init)) return;
  const performance = await startOnce(signalPlan(hostArch(), init.pid, signal));
  performance.onNote = () => performance.answer(hasEnded(init) ? REFUSED : AGREED);
  const { failure } = await performance.ended;
  if (failure && !hasEnded(init)) throw failure;
}

const FIRST_LOOK_MS = 1;
const LAST_LOOK_MS = 20;

export async function endsWithin(process: Process, ms: number): Promise<boolean> {
  const began = Date.now();
  for (let look = FIRST_LOOK_MS; ; look = Math.min(look * 1.3, LAST_LOOK_MS)) {
    if (hasEnded(process)) return true;
    if (Date.now() - began >= ms) return false;
    await sleep(Math.min(look, ms));
  }
}

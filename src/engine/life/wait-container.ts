/** Waiting for the end of containers that are not this process's children. */
import { watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../../base/errors.js';
import { pastEvents } from '../events/read-events.js';
import { containerDir } from '../record/container-files.js';
import type { ContainerState } from '../record/container-state.js';
import { isRunning, needsSettling } from '../record/container-status.js';
import { noSuchContainer, readState } from '../record/records.js';
import { settle } from '../record/settle.js';

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** The directory tells of the record of the end; a look now and then is for ends that nobody could write down. */
const SELDOM_MS = 100;

/** The exit code. Error (`input`): there is no such container. */
export async function waitForContainer(id: string, condition: WaitCondition): Promise<number> {
  let last = readState(id);
  if (!last) throw noSuchContainer(id);
  const finishedAt = last.finishedAt;
  for (;;) {
    const state = await settled(id);
    if (!state) return (await exitCodeOfGone(id)) ?? last.exitCode;
    last = state;
    const over = !isRunning(state) && state.phase !== 'starting';
    if (condition === 'not-running' && over && (state.phase !== 'exited' || state.restartAt === undefined))
      return state.exitCode;
    if (condition === 'next-exit' && state.finishedAt !== finishedAt) return state.exitCode;
    await change(id);
  }
}

/** With what nobody has written down yet. Undefined: it is gone. */
async function settled(id: string): Promise<ContainerState | undefined> {
  const state = readState(id);
  if (!state || !needsSettling(state) || state.phase !== 'running') return state;
  try {
    return (await settle(id)).state;
  } catch (error) {
    if (error instanceof VlabError && error.message.startsWith('No such container')) return undefined;
    throw error;
  }
}

/** One that was removed at its end (`--rm`) has left its exit code in the log of events. */
async function exitCodeOfGone(id: string): Promise<number | undefined> {
  let exitCode: number | undefined;
  for (const { action, actor } of pastEvents()) {
    if (actor.id === id && action === 'die') exitCode = Number(actor.attributes.exitCode);
  }
  return exitCode;
}

async function change(id: string): Promise<void> {
  const enough = new AbortController();
  const changed = new Promise<void>((resolve) => {
    try {
      const watcher = watch(containerDir(id), { signal: enough.signal }, () => resolve());
      watcher.on('error', () => resolve());
    } catch {
      resolve(); // it is gone
    }
  });
  await Promise.race([changed, sleep(SELDOM_MS, undefined, { signal: enough.signal }).catch(() => {})]);
  enough.abort();
}

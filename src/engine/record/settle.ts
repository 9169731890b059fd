/**
 * What must follow when a container's process has ended, or when a command was killed that worked on it. Whoever comes first does
 * it, with the container's lock: the command that waits for it, its monitor (`vlab finish`), or any later command. All of it may
 * be done again from the start.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { removeContainerCgroup } from '../../container/cgroup/remove.js';
import { disconnectAll } from '../../network/connect.js';
import { signalIfThere } from '../../sys/signal.js';
import { untilEnded } from '../../sys/until-ended.js';
import { emitContainer } from '../events/container-event.js';
import { ensureKeeper } from '../keeper/ensure-keeper.js';
import { restartDelay } from '../life/restart-decision.js';
import { readExit } from '../run/exit-record.js';
import type { ContainerEnd } from '../run/start-request.js';
import { stillRuns } from './boot.js';
import { containerDir } from './container-files.js';
import type { ContainerState } from './container-state.js';
import { needsSettling } from './container-status.js';
import { type ContainerRecord, containerIds, isBusy, readState, withContainer, writeState } from './records.js';
import { unmakeContainer } from './unmake-container.js';

/** As docker has it for a container of whose end nobody knows: the machine was switched off. */
const UNKNOWN_EXIT = 255;
/** So long a monitor may take between the end of its program and its last word. */
const MONITOR_MS = 10_000;

export interface Settled {
  state: ContainerState;
  /** It was removed (`--rm`, or a removal that was begun). */
  removed: boolean;
}

/** One container, if something is to be done. Errors: `input` when there is none (any more). */
export async function settle(id: string): Promise<Settled> {
  const settled = await withContainer(id, settleLocked);
  if (settled.state.restartAt !== undefined) await ensureKeeper();
  return settled;
}

/** Those that nobody is working on. What cannot be settled now is told by the command that is about it. */
export async function settleAll(): Promise<void> {
  for (const id of containerIds()) {
    const state = stateOf(id);
    if (!state || !needsSettling(state) || isBusy(id)) continue;
    await settle(id).catch(() => {});
  }
}

function stateOf(id: string): ContainerState | undefined {
  try {
    return readState(id);
  } catch {
    return undefined; // it can only be removed
  }
}

/** For who has its lock. */
export async function settleLocked(record: ContainerRecord): Promise<Settled> {
  const { state } = record;
  if (!needsSettling(state)) return { state, removed: false };
  if (state.phase === 'removing') {
    await unmakeContainer(record, { volumes: state.removesVolumes === true });
    return { state, removed: true };
  }
  if (state.phase === 'starting') return { state: await undoStart(record), removed: false };
  const ended = await noteEnd(record);
  if (!record.definition.autoRemove || ended.restartAt !== undefined) return { state: ended, removed: false };
  await unmakeContainer({ ...record, state: ended }, { volumes: true });
  return { state: ended, removed: true };
}

/** A start that was not finished: its processes end with the command that began it, or here. */
export async function undoStart({ id, state }: ContainerRecord): Promise<ContainerState> {
  for (const one of [state.monitor, state.process]) {
    if (!stillRuns(one)) continue;
    signalIfThere(one.pid, 'SIGKILL');
    await untilEnded(one);
  }
  await releaseAll(state);
  const { process: _, monitor: __, ...rest } = withoutLeases(state);
  const undone: ContainerState = { ...rest, phase: state.finishedAt === undefined ? 'created' : 'exited' };
  writeState(id, undone);
  return undone;
}

async function noteEnd(record: ContainerRecord): Promise<ContainerState> {
  const { id, definition, state } = record;
  const end = await endOf(id, state);
  await releaseAll(state);
  const finishedAt = end ? timeOf(end.finishedAtNs) : new Date().toISOString();
  const exitCode = end?.exitCode ?? UNKNOWN_EXIT;
  const ranMs = Math.max(0, Date.parse(finishedAt) - Date.parse(state.startedAt ?? finishedAt));
  const delayMs = restartDelay({
    policy: state.updated.restart ?? definition.restart,
    exitCode,
    restartCount: state.restartCount,
    stopAsked: state.stopAsked,
    ranMs,
    lastDelayMs: state.restartDelayMs,
  });
  const { process: _, monitor: __, restartDelayMs: ___, restartAt: ____, ...rest } = withoutLeases(state);
  const next: ContainerState = {
    ...rest,
    phase: 'exited',
    exitCode,
    finishedAt,
    oomKilled: end?.oomKilled ?? false,
    ...(delayMs === undefined
      ? {}
      : { restartDelayMs: delayMs, restartAt: new Date(Date.now() + delayMs).toISOString() }),
  };
  writeState(id, next);
  // Who is told looks at the record.
  if (next.oomKilled) emitContainer(record, 'oom');
  emitContainer(record, 'die', { exitCode: String(exitCode), execDuration: String(Math.floor(ranMs / 1000)) });
  return next;
}

/** Its monitor may still be about to write it; one that was killed never does. */
async function endOf(id: string, { process: init, monitor }: ContainerState): Promise<ContainerEnd | undefined> {
  for (const began = Date.now(); ; await sleep(2)) {
    const last = !stillRuns(monitor) || Date.now() - began > MONITOR_MS;
    const end = readExit(containerDir(id));
    if (end && init && end.init.pid === init.pid && end.init.startTime === init.startTime) return end;
    if (last) return undefined;
  }
}

/** Links, addresses and cgroups of the last run. */
async function releaseAll(state: ContainerState): Promise<void> {
  await disconnectAll(state.attachments.flatMap(({ lease }) => lease?.id ?? []));
  if (state.cgroup) await removeContainerCgroup(state.cgroup);
}

function withoutLeases(state: ContainerState): ContainerState {
  const { ports: _, cgroup: __, ...rest } = state;
  return { ...rest, attachments: state.attachments.map(({ lease: _, ...attachment }) => attachment) };
}

/** Unix time in nanoseconds as RFC 3339, with nine digits as docker has them. */
export function timeOf(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

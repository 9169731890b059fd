/** How a container is at this moment: what is written, with the kernel's word on whether it is still true. */
import { errnoOf } from '../../base/errors.js';
import { isPaused } from '../../container/cgroup/freezer.js';
import { stillRuns } from './boot.js';
import type { ContainerState, Status } from './container-state.js';

/** A process that has ended is `exited`, also while nobody has written that down. */
export function statusOf(state: ContainerState): Status {
  switch (state.phase) {
    case 'created':
    case 'starting':
      return state.finishedAt === undefined ? 'created' : 'exited';
    case 'removing':
      return 'removing';
    case 'running':
      if (!stillRuns(state.process)) return 'exited';
      return isFrozen(state) ? 'paused' : 'running';
    case 'exited':
      return state.restartAt === undefined ? 'exited' : 'restarting';
  }
}

/** A running one, paused or not. */
export function isRunning(state: ContainerState): boolean {
  return state.phase === 'running' && stillRuns(state.process);
}

function isFrozen({ cgroup }: ContainerState): boolean {
  try {
    return cgroup !== undefined && isPaused(cgroup);
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')) return false; // it is just ending
    throw error;
  }
}

/** Written by somebody who was killed, or true no longer: whoever has the lock can set it right (settle.ts). */
export function needsSettling(state: ContainerState): boolean {
  if (state.phase === 'running') return !stillRuns(state.process);
  return state.phase === 'starting' || state.phase === 'removing';
}

import { VlabError } from '../../base/errors.js';
import { isRunning, statusOf } from '../record/container-status.js';
import { type ContainerRecord, withContainer } from '../record/records.js';
import { settleLocked } from '../record/settle.js';
import { unmakeContainer } from '../record/unmake-container.js';
import { killLocked } from './signal-container.js';

export interface Removal {
  /** One that runs is ended first. */
  force?: boolean;
  /** Its anonymous volumes go with it. */
  volumes?: boolean;
}

/** Errors: `input` when there is none, `operation` when it runs and `force` is not given. */
export async function removeContainer(id: string, removal: Removal): Promise<void> {
  await withContainer(id, async (record) => {
    if (isRunning(record.state)) {
      if (!removal.force) throw mustBeStopped(record);
      await killLocked(record);
    }
    const { state, removed } = await settleLocked(record);
    if (!removed) await unmakeContainer({ ...record, state }, removal);
  });
}

function mustBeStopped({ state }: ContainerRecord): VlabError {
  const what =
    statusOf(state) === 'paused'
      ? 'container is paused and must be unpaused first'
      : 'container is running: stop the container before removing or force remove';
  return new VlabError('operation', `cannot remove container "/${state.name}": ${what}`);
}

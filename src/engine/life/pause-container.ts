/** All processes of a container stop at once, and go on where they were. */
import { VlabError } from '../../base/errors.js';
import { pause, resume } from '../../container/cgroup/freezer.js';
import { emitContainer } from '../events/container-event.js';
import { statusOf } from '../record/container-status.js';
import { type ContainerRecord, withContainer } from '../record/records.js';

/** Errors (`operation`): it does not run, or is paused already; those of the freezer. */
export async function pauseContainer(id: string): Promise<void> {
  await withContainer(id, async (record) => {
    const status = statusOf(record.state);
    if (status === 'paused') throw wrong(record, 'is already paused');
    await pause(cgroupOf(record, status === 'running'));
    emitContainer(record, 'pause');
  });
}

/** Error (`operation`): it is not paused. */
export async function unpauseContainer(id: string): Promise<void> {
  await withContainer(id, async (record) => {
    await resume(cgroupOf(record, statusOf(record.state) === 'paused', 'is not paused'));
    emitContainer(record, 'unpause');
  });
}

function cgroupOf(record: ContainerRecord, fits: boolean, complaint = 'is not running') {
  const { cgroup } = record.state;
  if (fits && cgroup) return cgroup;
  throw wrong(record, complaint);
}

function wrong({ id }: ContainerRecord, complaint: string): VlabError {
  return new VlabError('operation', `Container ${id} ${complaint}`);
}

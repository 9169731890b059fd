import { VlabError } from '../../base/errors.js';
import { emitContainer } from '../events/container-event.js';
import { readRecord } from '../record/records.js';
import { type Stop, stopContainer } from './signal-container.js';
import { startContainer } from './start-container.js';

/** Errors: those of the start. One with `--rm` that runs is removed by its end, and cannot be started again. */
export async function restartContainer(id: string, how: Stop): Promise<void> {
  await stopContainer(id, how);
  const record = readRecord(id);
  if (!record) {
    throw new VlabError(
      'operation',
      `container ${id.slice(0, 12)} was removed when it ended: it was started with --rm`,
    );
  }
  await startContainer(id);
  emitContainer(record, 'restart');
}

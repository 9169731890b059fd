import { needsSettling } from './container-status.js';
import { ensureKeeper } from './keeper/ensure-keeper.js';
import { type ContainerRecord, containerIds, isBusy, readRecordQuickly } from './records.js';
import { settle } from './settle.js';

/**
 * All containers as they are at this moment, in no order. What killed processes left of some is set right first; nothing else is
 * waited for.
 */
export async function listContainers(): Promise<ContainerRecord[]> {
  const records: ContainerRecord[] = [];
  let waiting = false;
  for (const id of containerIds()) {
    let record = readRecordQuickly(id);
    if (record && needsSettling(record.state) && !isBusy(id)) {
      await settle(id).catch(() => {}); // what cannot be settled now is told by the command that is about it
      record = readRecordQuickly(id);
    }
    if (!record) continue;
    records.push(record);
    waiting ||= record.state.restartAt !== undefined;
  }
  if (waiting) await ensureKeeper();
  return records;
}

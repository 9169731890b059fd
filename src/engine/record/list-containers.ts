import { ensureKeeper } from '../keeper/ensure-keeper.js';
import { needsSettling } from './container-status.js';
import { type ContainerRecord, containerIds, isBusy, readRecordQuickly } from './records.js';
import { settle } from './settle.js';

/**
 * All containers as they are at this moment, in no order. What killed processes left of some is set right first; nothing else is
 * waited for.
 */
export async function listContainers(): Promise<ContainerRecord[]> {
  return mapContainers((record) => record);
}

/** The same, for who needs little of each of many: no more than one whole record is kept at a time. */
export async function mapContainers<T>(map: (record: ContainerRecord) => T): Promise<T[]> {
  const mapped: T[] = [];
  let waiting = false;
  for (const id of containerIds()) {
    let record = readRecordQuickly(id);
    if (record && needsSettling(record.state) && !isBusy(id)) {
      await settle(id).catch(() => {}); // what cannot be settled now is told by the command that is about it
      record = readRecordQuickly(id);
    }
    if (!record) continue;
    waiting ||= record.state.restartAt !== undefined;
    mapped.push(map(record));
  }
  if (waiting) await ensureKeeper();
  return mapped;
}

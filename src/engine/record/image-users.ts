import type { ImageUser } from '../../image/remove-image.js';
import { isRunning } from './container-status.js';
import { containerIds, readRecordQuickly } from './records.js';

/** The containers, running or not, that were made from images, by the image's id. */
export function imageUsers(): ReadonlyMap<string, ImageUser[]> {
  const users = new Map<string, ImageUser[]>();
  for (const id of containerIds()) {
    const record = readRecordQuickly(id);
    if (record?.definition.root.kind !== 'image') continue;
    const image = record.definition.root.id;
    users.set(image, [...(users.get(image) ?? []), { id, isRunning: isRunning(record.state) }]);
  }
  return users;
}

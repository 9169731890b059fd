import { containerIds, readRecordQuickly } from './records.js';

/** Ids of the containers, running or not, that have this volume. */
export async function containersUsing(volume: string): Promise<string[]> {
  return containerIds().filter((id) =>
    readRecordQuickly(id)?.definition.mounts.some((mount) => mount.kind === 'volume' && mount.name === volume),
  );
}

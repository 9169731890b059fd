import { containerIds, readRecordQuickly } from './records.js';

/** Names of volumes → ids of the containers, running or not, that have them. */
export function usersOfVolumes(): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const id of containerIds()) {
    for (const mount of readRecordQuickly(id)?.definition.mounts ?? []) {
      if (mount.kind !== 'volume') continue;
      users.set(mount.name, [...(users.get(mount.name) ?? []), id]);
    }
  }
  return users;
}

/** Ids of the containers that have this volume. */
export async function containersUsing(volume: string): Promise<string[]> {
  return usersOfVolumes().get(volume) ?? [];
}

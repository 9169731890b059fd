/** The end of a container as a thing: its layer, its anonymous volumes, its name and its record. */
import { rmSync } from 'node:fs';
import { removeContainerCgroup } from '../../container/cgroup/remove.js';
import { disconnectAll } from '../../network/connect.js';
import { removeLayer } from '../../storage/container-layer.js';
import { findVolume, removeVolume } from '../../storage/volumes.js';
import { sweepOwners } from '../../sys/owners.js';
import { emitContainer } from '../events/container-event.js';
import { emitEvent } from '../events/event-log.js';
import { containerDir, containerRunDir } from './container-files.js';
import { giveBackName, withNames } from './names.js';
import { type ContainerRecord, removeRecord, writeState } from './records.js';
import { containersUsing } from './volume-users.js';

/**
 * For who has its lock; nothing of it runs. From the first step on it is being removed, and who finds it so goes on with it. Its
 * directory vanishes whole at last.
 */
export async function unmakeContainer(record: ContainerRecord, { volumes }: { volumes?: boolean }): Promise<void> {
  const { id, definition, state } = record;
  if (state.phase !== 'removing')
    writeState(id, { ...state, phase: 'removing', ...(volumes ? { removesVolumes: true } : {}) });
  await disconnectAll(state.attachments.flatMap(({ lease }) => lease?.id ?? []));
  if (state.cgroup) await removeContainerCgroup(state.cgroup);
  if (definition.root.kind === 'image') await removeLayer(containerDir(id));
  rmSync(containerRunDir(id), { recursive: true, force: true });
  await sweepOwners(); // a killed starter of it has left a record of what it owned
  await withNames(async () => giveBackName(state.name, id));
  if (volumes) await removeAnonymousVolumes(record);
  removeRecord(id);
  emitContainer(record, 'destroy');
}

/** One that another container uses stays. */
async function removeAnonymousVolumes({ id, definition }: ContainerRecord): Promise<void> {
  for (const mount of definition.mounts) {
    if (mount.kind !== 'volume' || !mount.anonymous) continue;
    const users = (await containersUsing(mount.name)).filter((other) => other !== id);
    if (users.length > 0 || !(await findVolume(mount.name))) continue;
    await removeVolume(mount.name, async () => []);
    emitEvent('volume', 'destroy', mount.name, { driver: mount.driver });
  }
}

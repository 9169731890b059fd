/**
 * A container's volumes. They are made when its record names them and removed before it does not any more: an anonymous one that
 * nothing names would never be removed.
 */
import { VlabError } from '../../base/errors.js';
import { rootMountOf } from '../../storage/container-layer.js';
import { createVolume, findVolume } from '../../storage/volumes.js';
import { fillVolumes } from '../copy/fill-volumes.js';
import type { ContainerDefinition } from '../define/definition.js';
import { emitEvent } from '../events/event-log.js';
import { containerDir } from '../record/container-files.js';
import type { ContainerRecord } from '../record/records.js';

/** Error (`input`): a driver that there is not. */
export function checkVolumes({ mounts }: ContainerDefinition): void {
  for (const mount of mounts) {
    if (mount.kind !== 'volume' || mount.driver === 'local') continue;
    throw new VlabError('input', `error looking up volume plugin ${mount.driver}: plugin "${mount.driver}" not found`, {
      hint: 'vlab has the driver local only',
      exitCode: 125,
    });
  }
}

/** Those that are not there; and one that is empty gets what the image has at its place. */
export async function makeVolumes({ id, definition: { mounts, root } }: ContainerRecord): Promise<void> {
  for (const mount of mounts) {
    if (mount.kind !== 'volume' || (await findVolume(mount.name))) continue;
    const { name, labels, driverOptions: options, anonymous, driver } = mount;
    await createVolume({ name, labels, options, anonymous });
    emitEvent('volume', 'create', name, { driver });
  }
  if (root.kind === 'image') await fillVolumes(mounts, rootMountOf(containerDir(id)), id);
}

import { layerSizes } from '../files/layer-sizes.js';
import { statusOf } from '../record/container-status.js';
import { listContainers } from '../record/list-containers.js';
import type { ContainerRecord } from '../record/records.js';
import { removeContainer } from './remove-container.js';

export interface Pruned {
  ids: string[];
  bytes: number;
}

/** Removes those that neither run nor are about to, and that `fits` says yes to. One that runs meanwhile, or is gone, is left. */
export async function pruneContainers(fits: (record: ContainerRecord) => boolean): Promise<Pruned> {
  const pruned: Pruned = { ids: [], bytes: 0 };
  for (const record of await listContainers()) {
    if (!['created', 'exited', 'dead'].includes(statusOf(record.state)) || !fits(record)) continue;
    try {
      const { layerBytes } = await layerSizes(record.id);
      await removeContainer(record.id, {});
      pruned.ids.push(record.id);
      pruned.bytes += layerBytes;
    } catch {
      // somebody has started or removed it meanwhile
    }
  }
  return pruned;
}

/** The document of a container as it is at this moment, gathered from its record, its layer and its volumes. */
import { join } from 'node:path';
import { listVolumes } from '../../storage/volumes.js';
import { containerRoot } from '../files/container-root.js';
import { layerSizes } from '../files/layer-sizes.js';
import { NEWEST } from '../logs/log-files.js';
import { CONTAINER_FILES, containerDir } from '../record/container-files.js';
import { statusOf } from '../record/container-status.js';
import { findContainer } from '../record/find-container.js';
import type { ContainerRecord } from '../record/records.js';
import { type ContainerDocument, containerDocument } from './container-document.js';

/** `size`: with what its layer takes, which is counted. Error (`input`): there is no such container. */
export async function inspectContainer(text: string, size: boolean): Promise<ContainerDocument> {
  const record = findContainer(text);
  const directory = containerDir(record.id);
  const file = (name: keyof typeof CONTAINER_FILES) => join(directory, CONTAINER_FILES[name]);
  const places = new Map((await listVolumes()).map(({ name, mountpoint }) => [name, mountpoint]));
  return containerDocument(record, {
    status: statusOf(record.state),
    files: {
      resolvConf: file('resolvConf'),
      hostname: file('hostname'),
      hosts: file('hosts'),
      log: join(file('log'), NEWEST),
    },
    graphDriver: graphDriverOf(record),
    mountpointOf: (volume) => places.get(volume) ?? '',
    execIds: [],
    ...(size ? { size: await layerSizes(record.id) } : {}),
  });
}

/** By docker's names. */
function graphDriverOf(record: ContainerRecord): { name: string; data: Record<string, string> } {
  const root = containerRoot(record);
  if (root.kind === 'directory') return { name: 'directory', data: { MergedDir: root.path } };
  return {
    name: root.kind,
    data: {
      LowerDir: root.lower.map(({ path }) => path).join(':'),
      UpperDir: root.upper,
      WorkDir: root.work,
      MergedDir: root.place,
    },
  };
}

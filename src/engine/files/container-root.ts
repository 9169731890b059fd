import { rootMountOf } from '../../storage/container-layer.js';
import type { RootMount } from '../../storage/root-mount.js';
import { containerDir } from '../record/container-files.js';
import type { ContainerRecord } from '../record/records.js';

/** How a container's root is mounted, or the directory of the host that it is. Error (`operation`): it has no layer. */
export function containerRoot({ id, definition: { root } }: Pick<ContainerRecord, 'id' | 'definition'>): RootMount {
  return root.kind === 'image' ? rootMountOf(containerDir(id)) : { kind: 'directory', path: root.path };
}

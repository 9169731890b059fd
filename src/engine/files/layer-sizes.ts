/** What a container's root takes on disk. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { rootMountOf } from '../../storage/container-layer.js';
import { containerDir } from '../record/container-files.js';
import { readRecordQuickly } from '../record/records.js';

export interface LayerSizes {
  /** What the container has written itself. */
  layerBytes: number;
  /** With all that is below it. */
  rootBytes: number;
}

/** Zero for a root that is a directory of the host. */
export async function layerSizes(id: string): Promise<LayerSizes> {
  if (readRecordQuickly(id)?.definition.root.kind !== 'image') return { layerBytes: 0, rootBytes: 0 };
  const root = rootMountOf(containerDir(id));
  if (root.kind === 'directory') return { layerBytes: 0, rootBytes: await bytesBelow(root.path) };
  const layerBytes = await bytesBelow(root.upper);
  let rootBytes = layerBytes;
  for (const { path } of root.lower) rootBytes += await bytesBelow(path);
  return { layerBytes, rootBytes };
}

/** Of files, by their length; what vanishes meanwhile counts nothing. */
export async function bytesBelow(path: string): Promise<number> {
  try {
    const stat = await lstat(path);
    if (!stat.isDirectory()) return stat.isFile() ? stat.size : 0;
    let bytes = 0;
    for await (const entry of await opendir(path)) bytes += await bytesBelow(join(path, entry.name));
    return bytes;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

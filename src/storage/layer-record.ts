/** What stands in `layer.json` of a container's layer, and so which snapshots are in use. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { dataDir } from '../base/paths.js';
import type { Digest } from '../image/descriptor.js';
import type { StorageDriver } from './abilities.js';

export interface LayerRecord {
  driver: StorageDriver;
  imageId: Digest;
  /** Topmost first. */
  chainIds: Digest[];
  userXattr: boolean;
  volatile: boolean;
  sizeBytes?: number | undefined;
  /** Of fuse-overlayfs. */
  program?: string | undefined;
  /** The digest of the erofs that stands for all the lower layers. */
  erofs?: string | undefined;
}

/** Of a container's directory. */
export const layerPlace = (directory: string) => join(directory, 'layer');
export const recordPath = (directory: string) => join(layerPlace(directory), 'layer.json');

/** Undefined: it has no layer, or none yet. */
export function findLayerRecord(directory: string): LayerRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordPath(directory), 'utf8')) as LayerRecord;
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(cause) ?? '')) return undefined;
    throw new VlabError('operation', `cannot read ${recordPath(directory)}`, { cause });
  }
}

/** Error (`operation`): it has none. */
export function readLayerRecord(directory: string): LayerRecord {
  const record = findLayerRecord(directory);
  if (record) return record;
  throw new VlabError('operation', `${directory} holds no layer of a container`);
}

/** Of all containers, also those that are being made or removed. */
export function allLayerRecords(): { directory: string; record: LayerRecord }[] {
  const containers = join(dataDir(), 'containers');
  let names: string[];
  try {
    names = readdirSync(containers);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => {
    const directory = join(containers, name);
    const record = findLayerRecord(directory);
    return record ? [{ directory, record }] : [];
  });
}

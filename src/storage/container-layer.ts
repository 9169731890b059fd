/**
 * What a container has of its own on disk, in `layer/` of its directory: what it changes above its image, or a copy of the image where no
 * overlay can be mounted. A container's directory may be renamed: nothing in it holds its path.
 */
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../base/exec.js';
import { findProgram } from '../base/find-program.js';
import type { Image } from '../image/store/image.js';
import type { BlobStore } from '../image/store/image-store.js';
import { lowerBy, mustWork, needsUserXattr, type StorageDriver, storageAbilities } from './abilities.js';
import { erofsFile, erofsNameOf, erofsOf } from './erofs.js';
import { type LayerRecord, layerPlace, readLayerRecord, recordPath } from './layer-record.js';
import { limitSize, releaseSize } from './quota.js';
import { removeTree, removeWhole } from './remove-tree.js';
import type { LowerLayer, RootMount } from './root-mount.js';
import { chainOf, ensureSnapshots, layerOf, missingOf, type SnapshotRequest, withFlat } from './snapshots.js';

export interface NewLayer {
  /** The container's directory, also while it has another name until it is whole. */
  directory: string;
  image: Pick<Image, 'id' | 'layers'>;
  blobs: Pick<BlobStore, 'open'>;
  /** It is removed when it ends: nothing needs to reach the disk. */
  volatile?: boolean;
  /** `--storage-opt size=`: most bytes that the container may write. */
  sizeBytes?: number | undefined;
  /** Default: the first that works here. */
  driver?: StorageDriver | undefined;
  /** The image is one erofs below it, instead of a directory for each layer; only with overlay, on kernels that mount it from a file. */
  erofs?: boolean | undefined;
  signal?: AbortSignal | undefined;
  progress?: SnapshotRequest['progress'];
}

/**
 * Makes sure that the image is unpacked, and gives the container a layer above it. What fails leaves nothing of the layer. Errors:
 * those of ensureSnapshots; `host` where this machine cannot do what was asked.
 */
export async function newLayer(request: NewLayer): Promise<void> {
  const { directory, image } = request;
  const driver = request.driver ?? (await storageAbilities()).drivers[0] ?? 'copy';
  if (request.driver) await mustWork(driver);
  const record: LayerRecord = {
    driver,
    imageId: image.id,
    chainIds: chainOf(image),
    userXattr: needsUserXattr(),
    volatile: request.volatile ?? false,
    ...(request.sizeBytes === undefined ? {} : { sizeBytes: request.sizeBytes }),
    ...(request.erofs && driver === 'overlay' && image.layers.length > 0 ? { erofs: erofsNameOf(image) } : {}),
    ...(driver === 'fuse-overlayfs' ? { program: findProgram('fuse-overlayfs') } : {}),
  };
  try {
    const place = layerPlace(directory);
    mkdirSync(place, { recursive: true, mode: 0o711 });
    if (record.sizeBytes !== undefined) await limitSize(place, record.sizeBytes);
    // From here on nobody removes the snapshots: who collects them looks at records after it has taken some out of their place.
    writeFileSync(recordPath(directory), JSON.stringify(record));
    if (isLayered(driver)) await layered(request, record);
    else await copied(request, record);
  } catch (error) {
    await removeLayer(directory);
    throw error;
  }
}

const isLayered = (driver: StorageDriver) => driver === 'overlay' || driver === 'fuse-overlayfs';

async function layered(request: NewLayer, { chainIds, erofs }: LayerRecord): Promise<void> {
  const place = layerPlace(request.directory);
  // Whoever removed some before the record was there has removed them by now.
  if (erofs !== undefined) await erofsOf(request);
  else while (missingOf(chainIds).length > 0) await ensureSnapshots(request);
  for (const name of ['work', 'root', ...(chainIds.length === 0 ? ['empty'] : [])])
    mkdirSync(join(place, name), { mode: 0o755 });
  const [top] = chainIds;
  // The root directory of an overlay is that of its upper layer.
  const plain = top === undefined ? join(place, 'empty') : layerOf(top);
  const { mode, uid, gid } = erofs === undefined ? statSync(plain) : { mode: 0o755, uid: 0, gid: 0 };
  const upper = join(place, 'upper');
  mkdirSync(upper);
  chownSync(upper, uid, gid);
  chmodSync(upper, mode & 0o7777);
}

async function copied(request: NewLayer, { driver, chainIds: [top] }: LayerRecord): Promise<void> {
  const root = join(layerPlace(request.directory), 'root');
  if (top === undefined) return void mkdirSync(root, { mode: 0o755 });
  const how = driver === 'reflink' ? 'always' : 'never';
  const options = request.signal ? { cancelSignal: request.signal } : {};
  await withFlat(request, true, (tree) => mustRun('cp', ['-a', `--reflink=${how}`, '--', tree, root], options));
}

/** How the root of the container in `directory` is mounted. `config.root.path` is rootPathOf of it. Error (`operation`): it has no layer. */
export function rootMountOf(directory: string): RootMount {
  const record = readLayerRecord(directory);
  const { driver, volatile, userXattr, program = 'fuse-overlayfs' } = record;
  const place = layerPlace(directory);
  if (!isLayered(driver)) return { kind: 'directory', path: join(place, 'root') };
  const layers = { lower: lowerOf(place, record), ...ownParts(place) };
  if (driver === 'fuse-overlayfs') return { kind: 'fuse-overlayfs', program, ...layers };
  return { kind: 'overlay', ...layers, userXattr, volatile, lowerBy: lowerBy() };
}

function ownParts(place: string) {
  return { upper: join(place, 'upper'), work: join(place, 'work'), place: join(place, 'root') };
}

function lowerOf(place: string, { chainIds, erofs }: LayerRecord): LowerLayer[] {
  if (erofs !== undefined) return [{ kind: 'erofs', path: erofsFile(erofs) }];
  if (chainIds.length === 0) return [{ kind: 'directory', path: join(place, 'empty') }];
  return chainIds.map((chainId) => ({ kind: 'directory', path: layerOf(chainId) }));
}

/** Removes the layer and all in it, also when it was half removed before. */
export async function removeLayer(directory: string): Promise<void> {
  const place = layerPlace(directory);
  await releaseSize(place);
  if (!(await removeWhole(place))) await removeTree(place);
}

/** What images, containers and volumes take on disk: docker's `system df`. */
import { statSync } from 'node:fs';
import type { Image } from '../../image/store/image.js';
import type { BlobStore } from '../../image/store/image-store.js';
import { snapshotDirectory } from '../../storage/places.js';
import { unpackedBytes } from '../../storage/snapshots.js';
import { listVolumes } from '../../storage/volumes.js';
import { isRunning } from '../record/container-status.js';
import { containerIds, readRecordQuickly } from '../record/records.js';
import { usersOfVolumes } from '../record/volume-users.js';
import { bytesBelow, layerSizes } from './layer-sizes.js';

export interface DiskUse {
  type: 'Images' | 'Containers' | 'Local Volumes';
  total: number;
  /** Images that containers have, containers that run, volumes that containers have. */
  active: number;
  sizeBytes: number;
  /** Of those that are not active. */
  reclaimableBytes: number;
}

/** What several images share counts once. */
export async function diskUse(images: readonly Image[], blobs: Pick<BlobStore, 'path'>): Promise<DiskUse[]> {
  const records = containerIds().flatMap((id) => readRecordQuickly(id) ?? []);
  const used = new Set(records.map(({ definition: { root } }) => (root.kind === 'image' ? root.id : undefined)));
  const active = images.filter(({ id }) => used.has(id));
  const [all, kept] = [images, active].map((some) => bytesOf(partsOf(some, blobs)));
  const containers = await Promise.all(
    records.map(async ({ id, state }) => ({ runs: isRunning(state), bytes: (await layerSizes(id)).layerBytes })),
  );
  const users = usersOfVolumes();
  const volumes = await Promise.all(
    (await listVolumes()).map(async ({ name, mountpoint, options }) => ({
      runs: users.has(name),
      bytes: options.device === undefined ? await bytesBelow(mountpoint) : 0,
    })),
  );
  return [
    {
      ...{ type: 'Images', total: images.length, active: active.length },
      ...{ sizeBytes: all ?? 0, reclaimableBytes: (all ?? 0) - (kept ?? 0) },
    },
    { type: 'Containers', ...sumOf(containers) },
    { type: 'Local Volumes', ...sumOf(volumes) },
  ];
}

/** Blobs, and what is unpacked of them: by path, with its bytes. */
function partsOf(images: readonly Image[], blobs: Pick<BlobStore, 'path'>): Map<string, number> {
  const parts = new Map<string, number>();
  for (const { id, manifestDigest, layers } of images) {
    for (const digest of [id, manifestDigest, ...layers.map(({ descriptor }) => descriptor.digest)]) {
      const path = blobs.path(digest);
      parts.set(path, statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    }
    for (const { chainId } of layers) {
      const path = snapshotDirectory(chainId);
      if (!parts.has(path)) parts.set(path, unpackedBytes(path));
    }
  }
  return parts;
}

const bytesOf = (parts: Map<string, number>) => [...parts.values()].reduce((sum, bytes) => sum + bytes, 0);

function sumOf(things: readonly { runs: boolean; bytes: number }[]) {
  const sum = (some: typeof things) => some.reduce((all, { bytes }) => all + bytes, 0);
  const idle = things.filter(({ runs }) => !runs);
  const active = things.length - idle.length;
  return { total: things.length, active, sizeBytes: sum(things), reclaimableBytes: sum(idle) };
}

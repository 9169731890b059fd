/**
 * Unpacked layers of images, shared by all images and containers that have them: dataDir()/snapshots/<chain id>/fs. Each is made
 * under another name, by who holds the lock of that chain id, and renamed when it is whole; what lies under the other name when
 * the lock is taken was left by a maker that was killed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import type { Digest } from '../image/descriptor.js';
import type { LayerForm } from '../image/layer/layer-form.js';
import { unpackLayer } from '../image/layer/unpack-layer.js';
import type { Image, ImageLayer } from '../image/store/image.js';
import type { BlobStore } from '../image/store/image-store.js';
import { withLock } from '../sys/waiting-lock.js';
import { ownIdMaps } from './own-id-maps.js';
import { erofsPlace, flatDirectory, nameOf, snapshotDirectory, snapshotsPlace } from './places.js';
import { removeTree, removeWhole } from './remove-tree.js';

export interface SnapshotRequest {
  image: Pick<Image, 'layers'>;
  blobs: Pick<BlobStore, 'open'>;
  signal?: AbortSignal | undefined;
  /** How far the unpacking of a layer is, in bytes of its blob. */
  progress?: ((layer: ImageLayer, bytes: number) => void) | undefined;
}

/** What stands in `snapshot.json`. */
interface SnapshotFacts {
  chainId: Digest;
  entries: number;
  /** Of the layer's tar. */
  bytes: number;
}

/** A layer of some gigabytes takes its time. */
const DEADLINE_MS = 30 * 60_000;
const PARTIAL = '.partial';

/** Chain ids, topmost first. */
export function chainOf({ layers }: Pick<Image, 'layers'>): Digest[] {
  return layers.map(({ chainId }) => chainId).reverse();
}

export const layerOf = (chainId: Digest) => join(snapshotDirectory(chainId), 'fs');

export function missingOf(chainIds: readonly Digest[]): Digest[] {
  return chainIds.filter((chainId) => !existsSync(snapshotDirectory(chainId)));
}

/**
 * Unpacks what is not unpacked yet, two layers at a time. Errors: those of unpackLayer and of the store; `operation` when another
 * command unpacks the same for half an hour.
 */
export async function ensureSnapshots(request: SnapshotRequest): Promise<void> {
  const missing = request.image.layers.filter(({ chainId }) => missingOf([chainId]).length > 0);
  if (missing.length === 0) return;
  const queue = [...missing];
  const failed = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, failed.signal]) : failed.signal;
  const worker = async () => {
    for (let layer = queue.shift(); layer; layer = queue.shift()) {
      signal.throwIfAborted();
      await ensureOne({ ...request, signal }, layer);
    }
  };
  const workers = [worker(), worker()].map((work) =>
    work.catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  const ended = await Promise.allSettled(workers);
  for (const one of ended) if (one.status === 'rejected') throw failed.signal.reason ?? one.reason;
}

async function ensureOne(request: SnapshotRequest, layer: ImageLayer): Promise<void> {
  const { chainId } = layer;
  await withMaker('snapshot', chainId, () =>
    makeWhole(snapshotDirectory(chainId), async (partial) => {
      const facts = await unpackInto(request, layer, partial, 'overlay');
      return { chainId, ...facts };
    }),
  );
}

/**
 * Lets `work` use the whole image as one tree, for what cannot have it in layers; nobody removes it meanwhile. `keeps`: it stays for
 * others, when it was made for this. Error (`input`): the image has no layers.
 */
export async function withFlat<T>(
  request: SnapshotRequest,
  keeps: boolean,
  work: (tree: string) => Promise<T>,
): Promise<T> {
  const [chainId] = chainOf(request.image);
  if (chainId === undefined) throw new VlabError('input', 'an image without layers has no files');
  const target = flatDirectory(chainId);
  return withMaker('snapshot', chainId, async () => {
    const isNew = await makeWhole(target, async (partial) => ({ chainId, ...(await unpackFlat(request, partial)) }));
    try {
      return await work(join(target, 'fs'));
    } finally {
      if (isNew && !keeps) await removeWhole(target);
    }
  });
}

/** All layers one over the other, as one tree in the directory `fs` of `partial`, which is there. */
export async function unpackFlat(request: SnapshotRequest, partial: string) {
  const sum = { entries: 0, bytes: 0 };
  for (const layer of request.image.layers) {
    const { entries, bytes } = await unpackInto(request, layer, partial, 'plain');
    sum.entries += entries;
    sum.bytes += bytes;
  }
  return sum;
}

async function unpackInto(request: SnapshotRequest, layer: ImageLayer, partial: string, form: LayerForm) {
  const { blobs, signal, progress } = request;
  const into = join(partial, 'fs');
  mkdirSync(into, { recursive: true, mode: 0o755 });
  const { descriptor, diffId } = layer;
  const { entries, bytes } = await unpackLayer({
    source: blobs.open(descriptor),
    mediaType: descriptor.mediaType,
    into,
    form,
    diffId,
    idMaps: ownIdMaps(),
    signal,
    progress: progress && ((done) => progress(layer, done)),
  });
  return { entries, bytes };
}

/** With the lock in hand. False: it is there already. */
async function makeWhole(target: string, make: (partial: string) => Promise<SnapshotFacts>): Promise<boolean> {
  const partial = `${target}${PARTIAL}`;
  await removeTree(partial);
  if (existsSync(target)) return false;
  mkdirSync(partial, { mode: 0o700 });
  try {
    writeFileSync(join(partial, 'snapshot.json'), JSON.stringify(await make(partial)));
    await rename(partial, target);
    return true;
  } catch (error) {
    await removeTree(partial);
    throw error;
  }
}

/** One at a time makes what is called so: others wait for it, and so do makers of a few others. */
export async function withMaker<T>(
  kind: 'snapshot' | 'erofs',
  chainId: Digest,
  work: () => Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const place = kind === 'erofs' ? erofsPlace() : snapshotsPlace();
  return withLock(place, work, { name: `.lock-${nameOf(chainId)[0]}`, deadlineMs });
}

/** All there are, of both kinds. */
export function listSnapshots(): { name: string; path: string }[] {
  const place = snapshotsPlace();
  return readdirSync(place)
    .filter((name) => /^[0-9a-f]{64,128}(-flat)?$/.test(name))
    .map((name) => ({ name, path: join(place, name) }));
}

/** Chain ids' hexadecimal digits, and paths, of what makers left or are making. */
export function listPartials(): { hex: string; path: string }[] {
  const place = snapshotsPlace();
  return readdirSync(place)
    .filter((name) => name.endsWith(PARTIAL))
    .map((name) => ({ hex: name.slice(0, name.search(/[-.]/)), path: join(place, name) }));
}

/** Bytes of the tars it was unpacked from; 0 where it is gone. */
export function unpackedBytes(path: string): number {
  try {
    return (JSON.parse(readFileSync(join(path, 'snapshot.json'), 'utf8')) as SnapshotFacts).bytes;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

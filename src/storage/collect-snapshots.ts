/** Removal of snapshots and erofs files that neither an image nor a container needs, and of what killed commands left. */
import { readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import type { Digest } from '../image/descriptor.js';
import type { Image } from '../image/store/image.js';
import { withLock } from '../sys/waiting-lock.js';
import { allLayerRecords } from './layer-record.js';
import { erofsPlace, nameOf, snapshotsPlace } from './places.js';
import { moveAway, removeTree, sweepGoing } from './remove-tree.js';
import { listPartials, listSnapshots, unpackedBytes, withMaker } from './snapshots.js';

export interface CollectedSnapshots {
  /** How many were removed. */
  count: number;
  /** Of the tars that they were unpacked from, and of erofs files. */
  bytes: number;
}

/** A maker at work holds its lock; another one is found out by then. */
const GLANCE_MS = 200;

/**
 * `images`: all of the store. A container that is being made keeps what it needs: its record is written before it looks whether
 * the snapshots are there, and here they are taken out of their place before records are looked at again.
 */
export async function collectSnapshots(images: readonly Pick<Image, 'layers'>[]): Promise<CollectedSnapshots> {
  const place = snapshotsPlace();
  return withLock(place, async () => {
    await sweepGoing(place);
    for (const partial of listPartials()) await sweepPartial(partial);
    const collected = { count: 0, bytes: 0 };
    const ofImages = new Set(images.flatMap(({ layers }) => layers.map(({ chainId }) => nameOf(chainId))));
    const needed = () => new Set([...ofImages, ...ofContainers()]);
    for (const { name, path } of listSnapshots()) {
      const hex = name.replace(/-flat$/, '');
      if (needed().has(hex)) continue;
      const going = moveAway(path);
      if (going === undefined) continue;
      if (needed().has(hex) && putBack(going, path)) continue;
      collected.count++;
      collected.bytes += unpackedBytes(going);
      await removeTree(going);
    }
    await collectErofs(needed, collected);
    return collected;
  });
}

function ofContainers(): string[] {
  return allLayerRecords().flatMap(({ record }) => record.chainIds.map(nameOf));
}

async function collectErofs(needed: () => Set<string>, collected: CollectedSnapshots): Promise<void> {
  const place = erofsPlace();
  await sweepGoing(place);
  for (const name of readdirSync(place)) {
    const hex = /^([0-9a-f]+)\.erofs$/.exec(name)?.[1];
    if (hex === undefined || needed().has(hex)) continue;
    const { size } = statSync(join(place, name));
    const going = moveAway(join(place, name));
    if (going === undefined) continue;
    collected.count++;
    collected.bytes += size;
    await removeTree(going);
  }
}

/** Only with its maker's lock in hand: nobody is at it then. */
async function sweepPartial({ hex, path }: { hex: string; path: string }): Promise<void> {
  try {
    await withMaker('snapshot', `sha256:${hex}` as Digest, () => removeTree(path), GLANCE_MS);
  } catch (error) {
    if (!(error instanceof VlabError)) throw error; // it is being made
  }
}

/** False: somebody has made it anew meanwhile. */
function putBack(going: string, path: string): boolean {
  try {
    renameSync(going, path);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

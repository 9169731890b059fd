// Volumes that get what an image has at their place. Needs root.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { fillVolumes } from '../../../src/engine/copy/fill-volumes.js';
import type { DefinedMount } from '../../../src/engine/define/definition-parts.js';
import { diskUse } from '../../../src/engine/files/disk-use.js';
import type { Image } from '../../../src/image/store/image.js';
import { newLayer, rootMountOf } from '../../../src/storage/container-layer.js';
import type { RootMount } from '../../../src/storage/root-mount.js';
import { ensureSnapshots } from '../../../src/storage/snapshots.js';
import { createVolume } from '../../../src/storage/volumes.js';
import { isRoot, needs } from '../../skips.js';
import { withOwnData } from './own-data.js';
import { ownImage } from './own-image.js';

const data = withOwnData();
let root: RootMount;
beforeEach(async (context) => {
  needs(context, 'root', isRoot);
  root = await containerOf('c');
});

async function containerOf(name: string): Promise<RootMount> {
  const directory = join(data(), 'containers', name);
  mkdirSync(directory, { recursive: true });
  await newLayer({ directory, ...(await ownImage({ 'srv/a/b': 'b', 'etc/empty/': '', file: '' })) });
  return rootMountOf(directory);
}

const mountOf = (name: string, destination: string, more: object = {}) =>
  ({ kind: 'volume', name, destination, copyUp: true, ...more }) as unknown as DefinedMount;

describe('a volume of a new container', () => {
  it('that is empty has a copy of what is there in the image', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    await fillVolumes([mountOf('data', '/srv')], root);
    expect(readdirSync(join(mountpoint, 'a'))).toEqual(['b']);
    writeFileSync(join(mountpoint, 'own'), '');
    await fillVolumes([mountOf('data', '/etc')], root);
    expect(readdirSync(mountpoint).sort()).toEqual(['a', 'own']);
    expect(readdirSync(join(data(), 'volumes/data')).sort()).toEqual(['_data', 'volume.json']);
  });

  it('stays as it is where it shall, and where the image has no directory', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    const before = statSync(mountpoint).ino;
    const mounts = [mountOf('data', '/srv', { copyUp: false }), mountOf('data', '/nothing'), mountOf('data', '/file')];
    for (const mount of mounts) await fillVolumes([mount], root);
    expect([readdirSync(mountpoint), statSync(mountpoint).ino]).toEqual([[], before]);
  });

  it('many first uses at once fill it once', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    const roots = await Promise.all(['1', '2', '3', '4'].map(containerOf));
    await Promise.all(roots.map((root) => fillVolumes([mountOf('data', '/srv')], root)));
    expect(readdirSync(mountpoint)).toEqual(['a']);
    expect(readdirSync(join(data(), 'volumes/data')).sort()).toEqual(['_data', 'volume.json']);
  });
});

describe('what is taken on disk', () => {
  it('is told by kind, with what nobody needs', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    writeFileSync(join(mountpoint, 'file'), 'x'.repeat(1000));
    const own = await ownImage({ large: 'y'.repeat(5000) });
    await ensureSnapshots(own);
    const image = { ...own.image, manifestDigest: own.image.id } as unknown as Image;
    const blobs = { path: (digest: string) => join(data(), 'none', digest) };
    const [images, containers, volumes] = await diskUse([image, image], blobs);
    expect(images).toMatchObject({ type: 'Images', total: 2, active: 0 });
    expect(images?.sizeBytes).toBe(own.image.layers[0]?.descriptor.size);
    expect(images?.reclaimableBytes).toBe(images?.sizeBytes);
    expect(containers).toEqual({ type: 'Containers', total: 0, active: 0, sizeBytes: 0, reclaimableBytes: 0 });
    expect(volumes).toEqual({ type: 'Local Volumes', total: 1, active: 0, sizeBytes: 1000, reclaimableBytes: 1000 });
  });
});

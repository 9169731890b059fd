// Volumes that get what an image has at their place. Needs root.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { fillVolumes } from '../../../src/engine/copy/fill-volumes.js';
import type { DefinedMount } from '../../../src/engine/definition-parts.js';
import { newLayer, rootMountOf } from '../../../src/storage/container-layer.js';
import { createVolume } from '../../../src/storage/volumes.js';
import { isRoot, needs } from '../../skips.js';
import { withOwnData } from './own-data.js';
import { ownImage } from './own-image.js';

const data = withOwnData();
let directory: string;
beforeEach(async (context) => {
  needs(context, 'root', isRoot);
  directory = join(data(), 'containers/c');
  mkdirSync(directory, { recursive: true });
  await newLayer({ directory, ...(await ownImage({ 'srv/a/b': 'b', 'etc/empty/': '', file: '' })) });
});

const mountOf = (name: string, destination: string, more: object = {}) =>
  ({ kind: 'volume', name, destination, copyUp: true, ...more }) as unknown as DefinedMount;

describe('a volume of a new container', () => {
  it('that is empty has a copy of what is there in the image', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    await fillVolumes([mountOf('data', '/srv')], rootMountOf(directory));
    expect(readdirSync(join(mountpoint, 'a'))).toEqual(['b']);
    writeFileSync(join(mountpoint, 'own'), '');
    await fillVolumes([mountOf('data', '/etc')], rootMountOf(directory));
    expect(readdirSync(mountpoint).sort()).toEqual(['a', 'own']);
    expect(readdirSync(join(data(), 'volumes/data')).sort()).toEqual(['_data', 'volume.json']);
  });

  it('stays as it is where it shall, and where the image has no directory', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    const before = statSync(mountpoint).ino;
    const mounts = [mountOf('data', '/srv', { copyUp: false }), mountOf('data', '/nothing'), mountOf('data', '/file')];
    for (const mount of mounts) await fillVolumes([mount], rootMountOf(directory));
    expect([readdirSync(mountpoint), statSync(mountpoint).ino]).toEqual([[], before]);
  });

  it('many first uses at once fill it once', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    const root = rootMountOf(directory);
    await Promise.all(Array.from({ length: 4 }, () => fillVolumes([mountOf('data', '/srv')], root)));
    expect(readdirSync(mountpoint)).toEqual(['a']);
    expect(readdirSync(join(data(), 'volumes/data')).sort()).toEqual(['_data', 'volume.json']);
  });
});

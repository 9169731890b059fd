// Snapshots, and layers of containers above them. Needs root.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type StorageDriver, storageAbilities } from '../../../src/storage/abilities.js';
import { collectSnapshots } from '../../../src/storage/collect-snapshots.js';
import { newLayer, removeLayer, rootMountOf } from '../../../src/storage/container-layer.js';
import { diffOf } from '../../../src/storage/diff.js';
import { erofsOf } from '../../../src/storage/erofs.js';
import { snapshotDirectory, snapshotsPlace } from '../../../src/storage/places.js';
import { ensureSnapshots } from '../../../src/storage/snapshots.js';
import { isRoot, needs } from '../../skips.js';
import { shellIn } from './layers-for-tests.js';
import { withOwnData } from './own-data.js';
import { ownImage } from './own-image.js';

const data = withOwnData();
beforeEach((context) => needs(context, 'root', isRoot));

const LAYERS = [
  { 'etc/below': 'below\n', 'etc/both': 'lower\n', 'gone/file': 'x', 'var/old/one': '1', 'opaque/hidden': 'h' },
  { 'etc/both': 'upper\n', gone: null, 'opaque/': 'opaque', 'opaque/seen': 's' },
] as const;

function directoryOf(name: string): string {
  const directory = join(data(), 'containers', name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

const DRIVERS: StorageDriver[] = ['overlay', 'fuse-overlayfs', 'reflink', 'copy'];

describe.each(DRIVERS)('by %s', (driver) => {
  beforeEach(async (context) => {
    const { drivers } = await storageAbilities();
    needs(context, 'storage driver', drivers.includes(driver));
  });

  it('a container sees its image, changes what it wants, and the image stays', async () => {
    const own = await ownImage(...LAYERS);
    const [one, two] = [directoryOf('one'), directoryOf('two')];
    for (const directory of [one, two]) await newLayer({ directory, ...own, driver });
    const script = `cat /etc/below /etc/both /opaque/seen; test ! -e /gone; test ! -e /opaque/hidden
      echo mine > /etc/both; rm /etc/below; rm -r /var/old; mkdir /var/old; echo n > /var/old/new; mkdir -p /srv/x; touch /srv/x/y`;
    expect(await shellIn(rootMountOf(one), script)).toBe('below\nupper\ns');
    const mountPoints = ['/dev', '/proc', '/sys'];
    const changes = (await diffOf(one)).filter(({ path }) => !mountPoints.includes(path));
    expect(changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'C /etc',
      'D /etc/below',
      'C /etc/both',
      'A /srv',
      'A /srv/x',
      'A /srv/x/y',
      'C /var',
      'C /var/old',
      'A /var/old/new',
      'D /var/old/one',
    ]);
    expect(await shellIn(rootMountOf(two), 'cat /etc/below /etc/both')).toBe('below\nupper\n');
    await removeLayer(one);
    expect(readdirSync(one)).toEqual([]);
    expect(await shellIn(rootMountOf(two), 'cat /etc/both')).toBe('upper\n');
  });
});

describe('snapshots', () => {
  it('are shared by images that begin alike, and go when neither an image nor a container needs them', async () => {
    const [base, child] = [await ownImage(LAYERS[0]), await ownImage(...LAYERS)];
    await ensureSnapshots(base);
    await ensureSnapshots(child);
    const chains = child.image.layers.map(({ chainId }) => snapshotDirectory(chainId));
    expect(chains.map((path) => existsSync(path))).toEqual([true, true]);
    const directory = directoryOf('user');
    await newLayer({ directory, ...child });
    expect((await collectSnapshots([base.image])).count).toBe(0);
    await removeLayer(directory);
    expect((await collectSnapshots([base.image])).count).toBe(1);
    expect(chains.map((path) => existsSync(path))).toEqual([true, false]);
    expect((await collectSnapshots([])).count).toBe(1);
  });

  it('what a killed maker left is taken for nothing, and swept', async () => {
    const own = await ownImage(LAYERS[0]);
    const [layer] = own.image.layers;
    snapshotsPlace();
    const path = snapshotDirectory(layer?.chainId ?? 'sha256:');
    mkdirSync(join(`${path}.partial`, 'fs/etc'), { recursive: true });
    writeFileSync(join(`${path}.partial`, 'fs/etc/half'), '');
    expect((await collectSnapshots([])).count).toBe(0);
    expect(existsSync(`${path}.partial`)).toBe(false);
    mkdirSync(join(`${path}.partial`, 'fs/etc'), { recursive: true });
    writeFileSync(join(`${path}.partial`, 'fs/etc/half'), '');
    await ensureSnapshots(own);
    expect(readdirSync(join(path, 'fs/etc')).sort()).toEqual(['below', 'both']);
  });

  it('a broken layer leaves nothing', async () => {
    const own = await ownImage(LAYERS[0]);
    const [layer] = own.image.layers;
    if (layer) layer.diffId = `sha256:${'0'.repeat(64)}`;
    const directory = directoryOf('broken');
    await expect(newLayer({ directory, ...own })).rejects.toThrow();
    expect(readdirSync(join(data(), 'snapshots')).filter((name) => /^[0-9a-f]{8}/.test(name))).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('a hundred containers of one image cost next to nothing', async () => {
    const own = await ownImage(...LAYERS, { 'usr/large': 'x'.repeat(8 << 20) });
    await ensureSnapshots(own);
    const before = bytesOf(data());
    for (let index = 0; index < 100; index++) await newLayer({ directory: directoryOf(`c${index}`), ...own });
    expect(bytesOf(data()) - before).toBeLessThan(100 * 32 * 1024);
    expect(await shellIn(rootMountOf(directoryOf('c99')), 'wc -c < /usr/large')).toBe(`${8 << 20}\n`);
  });
});

describe('an erofs of an image', () => {
  it('is the same from the same image, and holds all that its layers show', async (context) => {
    needs(context, 'erofs-utils', existsSync('/usr/bin/mkfs.erofs'));
    const own = await ownImage(...LAYERS);
    const path = await erofsOf(own);
    const first = readFileSync(path);
    execFileSync('rm', [path]);
    expect(first.equals(readFileSync(await erofsOf(own)))).toBe(true);
    const directory = directoryOf('c');
    await newLayer({ directory, ...own, erofs: true });
    expect(await shellIn(rootMountOf(directory), 'cat /etc/both; test ! -e /gone; echo x > /etc/both')).toBe('upper\n');
    expect((await collectSnapshots([])).count).toBe(0);
    await removeLayer(directory);
    await collectSnapshots([]);
    expect(existsSync(path)).toBe(false);
  });
});

function bytesOf(path: string): number {
  return Number(execFileSync('du', ['-s', '--block-size=1', path], { encoding: 'utf8' }).split('\t')[0]);
}

// Roots made of layers, in containers. Needs root.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { hostFiles } from '../../../src/container/host-files.js';
import type { LowerLayer, OverlayRoot } from '../../../src/storage/root-mount.js';
import { isRoot, needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { createdShellIn, type Layers, ownLayers, shellIn } from './layers-for-tests.js';

let made: Layers[] = [];
let mountsBefore: string;
beforeEach((context) => {
  needs(context, 'root', isRoot);
  mountsBefore = readFileSync('/proc/self/mounts', 'utf8');
});
afterEach(() => {
  for (const layers of made) layers.remove();
  made = [];
  expect(readFileSync('/proc/self/mounts', 'utf8')).toBe(mountsBefore);
});

function layersOf(files: readonly Record<string, string>[], name?: string): Layers {
  const layers = ownLayers(files, name);
  made.push(layers);
  return layers;
}

const directories = (paths: readonly string[]): LowerLayer[] =>
  [...paths].reverse().map((path) => ({ kind: 'directory', path }));

function overlay({ lower, upper, work, place }: Layers, more: Partial<OverlayRoot> = {}): OverlayRoot {
  const plain = { userXattr: false, volatile: false, lowerBy: 'lowerdir+' } as const;
  return { kind: 'overlay', lower: directories(lower), upper, work, place, ...plain, ...more };
}

const hasErofs = spawnSync('mkfs.erofs', ['--help']).error === undefined;

/** The lowest layer. */
function erofsOf({ folder, lower }: Layers): LowerLayer {
  const path = join(folder, 'lower.erofs');
  const packed = spawnSync('mkfs.erofs', [path, lower[0] ?? '']);
  expect(packed.status, String(packed.stderr)).toBe(0);
  return { kind: 'erofs', path };
}

const TWO = [{ 'etc/below': 'below\n', 'etc/both': 'lower\n', 'gone/file': 'x' }, { 'etc/both': 'upper\n' }];
const WAYS = ['lowerdir+', 'lowerdir'] as const;

describe.each(WAYS)('an overlay by %s', (lowerBy) => {
  it('shows the topmost of each file, and keeps what is written apart from the layers', async () => {
    const layers = layersOf(TWO);
    const said = await shellIn(
      overlay(layers, { lowerBy }),
      'cat /etc/below /etc/both; echo own > /etc/both; rm -r /gone',
    );
    expect(said).toBe('below\nupper\n');
    expect(readFileSync(join(layers.upper, 'etc/both'), 'utf8')).toBe('own\n');
    expect(readFileSync(join(layers.lower[1] ?? '', 'etc/both'), 'utf8')).toBe('upper\n');
    const whiteout = lstatSync(join(layers.upper, 'gone'));
    expect([whiteout.isCharacterDevice(), whiteout.rdev]).toEqual([true, 0]);
    expect(readdirSync(layers.place)).toEqual([]);
  });

  it('has 127 layers', async () => {
    const files = Array.from({ length: 127 }, (_, index) => ({ 'etc/top': `${index}\n`, [`etc/${index}`]: '' }));
    const said = await shellIn(overlay(layersOf(files), { lowerBy }), 'cat /etc/top; ls /etc | wc -l');
    expect(said.split(/\s+/)).toEqual(['126', expect.stringMatching(/^12[89]$|^13\d$/), '']);
  });

  it('takes paths that an option string would not', async () => {
    const layers = layersOf(TWO, `vlab a:b,c\\d"e 'é${'x'.repeat(150)}-`);
    expect(await shellIn(overlay(layers, { lowerBy }), 'cat /etc/both')).toBe('upper\n');
  });

  it('can be volatile, and mounted again', async () => {
    const root = overlay(layersOf(TWO), { lowerBy, volatile: true });
    for (const _ of [1, 2, 3]) expect(await shellIn(root, 'grep -o volatile /proc/mounts')).toBe('volatile\n');
  });
});

describe('mapped ids', () => {
  const change = ({ linux }: OciConfig) => {
    linux.namespaces.push({ type: 'user' });
    linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    delete linux.cgroupsPath;
  };

  it('owners on disk are those inside: layers are shared with containers that map nothing', async () => {
    const layers = layersOf(TWO);
    const script = 'stat -c %u /etc/below; echo own > /etc/both; chown 7:8 /etc/both; tr -s " " < /proc/self/uid_map';
    expect(await createdShellIn(overlay(layers), script, change)).toBe('0\n 0 100000 1000\n');
    const { uid, gid } = statSync(join(layers.upper, 'etc/both'));
    expect([uid, gid]).toEqual([7, 8]);
  });

  it('of a volatile one that is mounted again', async () => {
    const root = overlay(layersOf(TWO), { volatile: true });
    for (const _ of [1, 2])
      expect(await createdShellIn(root, 'echo own > /etc/both; cat /etc/both', change)).toBe('own\n');
  });

  it('of an erofs, too', async (context) => {
    needs(context, 'erofs-utils', hasErofs);
    const layers = layersOf(TWO);
    const lower = [erofsOf(layers)];
    expect(await createdShellIn(overlay(layers, { lower }), 'stat -c %u /etc/below', change)).toBe('0\n');
  });
});

describe('an erofs as a layer', () => {
  it('is mounted from its file, below directories', async (context) => {
    needs(context, 'erofs-utils', hasErofs);
    const layers = layersOf(TWO);
    const lower: LowerLayer[] = [{ kind: 'directory', path: layers.lower[1] ?? '' }, erofsOf(layers)];
    const said = await shellIn(overlay(layers, { lower }), 'cat /etc/below /etc/both; echo own > /etc/below');
    expect(said).toBe('below\nupper\n');
    expect(readFileSync(join(layers.upper, 'etc/below'), 'utf8')).toBe('own\n');
  });
});

describe('fuse-overlayfs', () => {
  const program = '/usr/bin/fuse-overlayfs';
  it('does the same, and its process ends with the container', async (context) => {
    needs(context, 'fuse-overlayfs', existsSync(program) && existsSync('/dev/fuse'));
    const layers = layersOf(TWO, 'vlab a,c-');
    const { upper, work, place } = layers;
    const root = { kind: 'fuse-overlayfs', lower: directories(layers.lower), upper, work, place, program } as const;
    const said = await shellIn(
      root,
      'cat /etc/below /etc/both; echo own > /etc/both; rm -r /gone; grep -c " / fuse" /proc/mounts',
    );
    expect(said).toBe('below\nupper\n1\n');
    expect(readFileSync(join(upper, 'etc/both'), 'utf8')).toBe('own\n');
    await until(() => !processesNaming(layers.folder), 'fuse-overlayfs has ended');
  });
});

function processesNaming(path: string): boolean {
  return readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path.slice(-6));
    } catch {
      return false;
    }
  });
}

describe('what is known of layers beforehand', () => {
  const views = [
    ['looked at before', hostFiles],
    ['not looked at', { ...hostFiles, inImage: () => undefined }],
  ] as const;
  it.each(views)('a mount goes where a link of the image leads: %s', async (_, files) => {
    const layers = layersOf([{ 'run/real/file': '' }, {}]);
    symlinkSync('../run/real', join(layers.lower[1] ?? '', 'etc'), 'dir');
    unlinkSync(join(layers.lower[1] ?? '', 'etc'));
    symlinkSync('../run/real/file', join(layers.lower[0] ?? '', 'etc/link'));
    const mounts = [{ destination: '/etc/link', source: '/etc/hostname', options: ['bind'] }];
    const said = await shellIn(overlay(layers), 'grep -o " /run/real/file " /proc/mounts', {
      mounts,
      situation: { files },
    });
    expect(said).toBe(' /run/real/file \n');
  });

  it('and where a link leads to nothing, what is missing is made', async () => {
    const layers = layersOf([{}, {}]);
    symlinkSync('../run/missing/file', join(layers.lower[0] ?? '', 'etc/link'));
    const mounts = [{ destination: '/etc/link', source: '/etc/hostname', options: ['bind'] }];
    const said = await shellIn(overlay(layers), 'grep -o " /run/missing/file " /proc/mounts', { mounts });
    expect(said).toBe(' /run/missing/file \n');
  });
});

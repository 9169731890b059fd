import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVolume, findVolume, listVolumes, removeVolume, sourceOf } from '../../../src/storage/volumes.js';

let data: string;
let before: string | undefined;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'vlab-volumes-'));
  before = process.env.VLAB_DATA_DIR;
  process.env.VLAB_DATA_DIR = data;
});
afterEach(() => {
  if (before === undefined) delete process.env.VLAB_DATA_DIR;
  else process.env.VLAB_DATA_DIR = before;
  rmSync(data, { recursive: true });
});
const nobody = async () => [];

describe('volumes', () => {
  it('are made once, listed by name, and removed when nobody uses them', async () => {
    const made = await createVolume({ name: 'two', labels: { a: 'b' } });
    await createVolume({ name: 'one' });
    expect(await createVolume({ name: 'two' })).toEqual(made);
    expect((await listVolumes()).map(({ name }) => name)).toEqual(['one', 'two']);
    await expect(removeVolume('two', async () => ['abc'])).rejects.toThrow('remove two: volume is in use - [abc]');
    await removeVolume('two', nobody);
    expect(await findVolume('two')).toBeUndefined();
    await expect(removeVolume('two', nobody)).rejects.toThrow('no such volume: two');
  });

  it('many makers at once make one', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => createVolume({ name: 'same' })));
    expect(new Set(made.map(({ createdAt }) => createdAt)).size).toBe(1);
    expect(readdirSync(join(data, 'volumes'))).toEqual(['same']);
  });

  it('have the options they were made with', async () => {
    await createVolume({ name: 'bound', options: { type: 'none', o: 'bind', device: '/srv' } });
    expect((await findVolume('bound'))?.mountpoint).toBe('/srv');
    await expect(createVolume({ name: 'bound', options: { type: 'none', o: 'bind', device: '/x' } })).rejects.toThrow(
      'already exists with different options',
    );
  });

  it('what killed makers and removers left goes', async () => {
    await createVolume({ name: 'kept' });
    const places = ['.new-old', 'gone.going-x'].map((name) => join(data, 'volumes', name));
    for (const place of places) mkdirSync(join(place, '_data'), { recursive: true });
    utimesSync(places[0] ?? '', 0, 0);
    expect((await listVolumes()).map(({ name }) => name)).toEqual(['kept']);
    await createVolume({ name: 'new' });
    expect(readdirSync(join(data, 'volumes'))).toEqual(['kept', 'new']);
  });

  it('a path inside of one stays inside', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    mkdirSync(join(mountpoint, 'sub/dir'), { recursive: true });
    symlinkSync('/etc', join(mountpoint, 'out'));
    symlinkSync('sub', join(mountpoint, 'in'));
    writeFileSync(join(mountpoint, 'file'), '');
    expect(await sourceOf({ name: 'data' })).toBe(mountpoint);
    expect(await sourceOf({ name: 'data', subpath: 'in/dir' })).toBe(join(mountpoint, 'sub/dir'));
    for (const subpath of ['out', '../..', 'out/passwd']) {
      await expect(sourceOf({ name: 'data', subpath })).rejects.toThrow('leads out of the volume');
    }
    await expect(sourceOf({ name: 'data', subpath: 'missing' })).rejects.toThrow('cannot access path');
  });
});

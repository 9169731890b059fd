/** What podman makes of vlab's archives, and vlab of podman's. Needs: the built dist/. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mustRun } from '../../../src/base/exec.js';
import { findProgram } from '../../../src/base/find-program.js';
import type { ImageStore } from '../../../src/image/store/image-store.js';
import { isRoot, needs } from '../../skips.js';
import { addImage, OwnData } from './small-images.js';
import { mustVlab } from './vlab-images.js';

let data: OwnData;
let store: ImageStore;

beforeEach(async (context) => {
  needs(context, 'root', isRoot);
  needs(context, 'podman', findProgram('podman') !== undefined);
  data = new OwnData();
  store = await data.store();
});
afterEach(() => data?.[Symbol.dispose]());

/** With a storage of the test's own, in plain directories. */
async function podman(...words: string[]): Promise<string> {
  const place = ['--root', join(data.folder, 'podman'), '--runroot', join(data.folder, 'podman-run')];
  const { stdout } = await mustRun('podman', [...place, '--storage-driver', 'vfs', '--log-level', 'error', ...words]);
  return stdout.trim();
}

it.each(['docker-archive', 'oci-archive'])(
  'podman loads what vlab saved as %s, of the same id and layers',
  async (format) => {
    const config = { config: { Cmd: ['/a'], Labels: { one: 'two' } } };
    const image = await addImage(store, 'localhost/app:v1', { layers: [{ a: '1' }, { b: '2' }], config });
    mustVlab(data, ['save', '--format', format, '-o', 'app.tar', 'localhost/app:v1']);
    expect(await podman('load', '-q', '-i', join(data.folder, 'app.tar'))).toContain('localhost/app:v1');
    const [inspected] = JSON.parse(await podman('image', 'inspect', 'localhost/app:v1'));
    expect([`sha256:${inspected.Id}`, inspected.RootFS.Layers]).toEqual([image.id, image.config.rootfs.diff_ids]);
    expect([inspected.Config.Cmd, inspected.Labels]).toEqual([['/a'], { one: 'two' }]);
  },
);

it('vlab loads what podman saved, one image and several, and podman has the same of it', async () => {
  const one = await addImage(store, 'localhost/one:v1', { layers: [{ a: '1' }, { b: '2' }] });
  const two = await addImage(store, 'localhost/two:v1', { layers: [{ a: '1' }, { c: '3' }] });
  mustVlab(data, ['save', '-o', 'both.tar', 'localhost/one:v1', 'localhost/two:v1']);
  const loaded = await podman('load', '-q', '-i', join(data.folder, 'both.tar'));
  expect(loaded).toContain('localhost/one:v1');
  expect(loaded).toContain('localhost/two:v1');
  mustVlab(data, ['image', 'prune', '-af']);
  const names = ['localhost/one:v1', 'localhost/two:v1'];
  await podman('save', '-q', '--multi-image-archive', '-o', join(data.folder, 'theirs.tar'), ...names);
  expect(mustVlab(data, ['load', '-i', 'theirs.tar']).trim().split('\n').sort()).toEqual(
    names.map((name) => `Loaded image: ${name}`),
  );
  expect([(await store.get('localhost/one:v1')).id, (await store.get('localhost/two:v1')).id]).toEqual([
    one.id,
    two.id,
  ]);
  await podman('save', '-q', '--format', 'oci-archive', '-o', join(data.folder, 'oci.tar'), 'localhost/one:v1');
  expect(mustVlab(data, ['load', '-i', 'oci.tar'])).toBe('Loaded image: localhost/one:v1\n');
  const ofOne = await store.get('localhost/one:v1');
  expect(ofOne.layers.map(({ diffId }) => diffId)).toEqual(one.layers.map(({ diffId }) => diffId));
  expect(await store.verify()).toEqual([]);
});

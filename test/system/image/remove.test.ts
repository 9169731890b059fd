import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Digest } from '../../../src/image/descriptor.js';
import { parseReference } from '../../../src/image/reference.js';
import { type ImageUser, pruneImages, removeImage } from '../../../src/image/remove-image.js';
import type { Image } from '../../../src/image/store/image.js';
import type { ImageStore } from '../../../src/image/store/image-store.js';
import { addImage, OwnData } from './small-images.js';

let data: OwnData;
let store: ImageStore;
let image: Image;
let users: ImageUser[];

beforeEach(async () => {
  data = new OwnData();
  store = await data.store();
  image = await addImage(store, 'app:v1', { layers: [{ a: '1' }, { b: '2' }] });
  users = [];
});
afterEach(() => data[Symbol.dispose]());

const usersOf = (id: Digest) => (id === image.id ? users : []);
const remove = async (text: string, force = false) => {
  const removed = await removeImage(store, text, { force, usersOf });
  return removed.map((one) => (one.kind === 'untagged' ? one.name : one.digest));
};
const stopped = { id: 'c'.repeat(64), isRunning: false };

it('a stopped container keeps the last name of its image, unless that is forced, and then the image has none', async () => {
  users = [stopped];
  await expect(remove('app:v1')).rejects.toThrow('(must force) - container cccccccccccc is using its referenced image');
  await expect(remove(image.id)).rejects.toThrow('image is being used by stopped container cccccccccccc');
  await store.tag(image, parseReference('other'));
  expect(await remove('other')).toEqual(['other:latest']);
  expect(await remove('app:v1', true)).toEqual(['app:v1']);
  expect((await store.get(image.id)).references).toEqual([]);
});

it('a running container keeps its image whatever is forced', async () => {
  users = [stopped, { id: 'd'.repeat(64), isRunning: true }];
  await expect(remove(image.id.slice(7, 19), true)).rejects.toThrow(
    '(cannot be forced) - image is being used by running container dddddddddddd',
  );
});

it('by its id an image goes with all its names of one repository; layers that others have stay', async () => {
  const other = await addImage(store, 'other', { layers: [{ a: '1' }] });
  await store.tag(image, parseReference('app:v2'));
  const [, top] = image.layers;
  expect(await remove(image.id)).toEqual(['app:v1', 'app:v2', image.id, top?.chainId]);
  await store.collectGarbage();
  expect([await store.verify(), (await store.list()).map(({ id }) => id)]).toEqual([[], [other.id]]);
});

it('a digest of its is taken from an image that has names, and with the last one it goes', async () => {
  const repoDigest = `docker.io/library/app@${image.manifestDigest}`;
  await store.add(image.descriptor, { repoDigest });
  expect(await remove(`app@${image.manifestDigest}`)).toEqual([`app@${image.manifestDigest}`]);
  expect((await store.get('app:v1')).repoDigests).toEqual([]);
  await store.add(image.descriptor, { repoDigest });
  expect(await remove('app:v1')).toContain(`app@${image.manifestDigest}`);
  expect(await store.list()).toEqual([]);
});

it('prune takes what has no name, or with all what nobody uses', async () => {
  const nameless = await addImage(store, undefined, { layers: [{ c: '3' }] });
  users = [stopped];
  const pruned = async (all: boolean) =>
    (await pruneImages(store, { all, usersOf })).filter((one) => one.kind === 'deleted');
  expect((await pruned(false)).map((one) => one.digest)).toContain(nameless.id);
  expect(await pruned(true)).toEqual([]);
  users = [];
  expect(await pruneImages(store, { all: true, filter: () => false, usersOf })).toEqual([]);
  expect((await pruned(true)).map((one) => one.digest)).toContain(image.id);
});

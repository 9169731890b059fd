import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mustRun } from '../../../src/base/exec.js';
import { findProgram } from '../../../src/base/find-program.js';
import { digestOf } from '../../../src/image/digest.js';
import { parseReference } from '../../../src/image/reference.js';
import type { ImageStore } from '../../../src/image/store/image-store.js';
import { needs } from '../../skips.js';
import { addImage, blobsOf, OwnData } from './small-images.js';

const TYPE = 'application/octet-stream';
let data: OwnData;
let store: ImageStore;

beforeEach(async () => {
  data = new OwnData();
  store = await data.store();
});
afterEach(() => data[Symbol.dispose]());

const partial = () => {
  const folder = join(data.images, 'ingest');
  return existsSync(folder) ? readdirSync(folder) : [];
};
const blobFor = (bytes: Buffer) => ({ mediaType: TYPE, digest: digestOf(bytes), size: bytes.length });

it('an image is found by its name, its digest and the beginning of its id; names move, and garbage goes', async () => {
  const one = await addImage(store, 'app', { layers: [{ a: '1' }, { b: '2' }] });
  const two = await addImage(store, 'other:v2', { layers: [{ a: '1' }, { c: '3' }] });
  expect(one.layers[0]?.chainId).toBe(two.layers[0]?.chainId);
  expect(one.layers[1]?.chainId).toBe(digestOf(`${one.layers[0]?.diffId} ${one.layers[1]?.diffId}`));
  for (const text of [
    'app',
    'docker.io/library/app:latest',
    one.id,
    one.id.slice(7, 19),
    `app@${one.manifestDigest}`,
  ]) {
    expect((await store.get(text)).id).toBe(one.id);
  }
  expect(await store.find('nothing')).toBeUndefined();
  await expect(store.get('nothing:v1')).rejects.toMatchObject({ blame: 'input', message: 'No such image: nothing:v1' });
  await expect(store.find('NOTHING')).rejects.toThrow('must be lowercase');
  await store.tag(one, parseReference('other:v2'));
  expect((await store.get('other:v2')).references).toEqual([
    'docker.io/library/app:latest',
    'docker.io/library/other:v2',
  ]);
  expect((await store.get(two.id)).references).toEqual([]);
  expect(await store.collectGarbage()).toEqual({ digests: [], bytes: 0 });
  await store.remove(two);
  const { digests } = await store.collectGarbage();
  expect(new Set(digests)).toEqual(new Set([two.id, two.manifestDigest, two.layers[1]?.descriptor.digest]));
  expect((await store.list()).map(({ id }) => id)).toEqual([one.id]);
  expect(await store.verify()).toEqual([]);
});

it('a beginning of several ids names none of them', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 17; count++)
    ids.push((await addImage(store, undefined, { layers: [{ a: `${count}` }] })).id);
  const digits = ids.map((id) => id.charAt(7));
  const twice = digits.find((digit, at) => digits.indexOf(digit) !== at) ?? '';
  await expect(store.find(twice)).rejects.toThrow('is the beginning of several ids');
});

it('what is held is spared, also where nothing names it yet, until its holder is done', async () => {
  const bytes = Buffer.from('held');
  const digest = digestOf(bytes);
  const hold = await store.hold();
  expect(await store.blobs.ingest(Readable.from([bytes]), hold)).toEqual({ digest, size: 4 });
  expect((await store.collectGarbage()).digests).toEqual([]);
  await hold[Symbol.asyncDispose]();
  expect((await store.collectGarbage()).digests).toEqual([digest]);
});

it('an interrupted writer leaves its bytes to the next; two at once do not disturb each other', async () => {
  const bytes = randomBytes(3_000_000);
  const blob = blobFor(bytes);
  {
    await using first = await store.blobs.target(blob);
    await first.write(bytes.subarray(0, 2_000_000));
  }
  expect(partial()).toEqual([blob.digest.replace(':', '-')]);
  await using second = await store.blobs.target(blob);
  await using third = await store.blobs.target(blob);
  expect([second.offset, third.offset]).toEqual([2_000_000, 0]);
  await second.write(bytes.subarray(2_000_000));
  await third.write(bytes);
  await second.commit();
  await third.commit();
  expect(partial()).toEqual([]);
  expect((await buffer(store.blobs.open(blob))).equals(bytes)).toBe(true);
  expect((await buffer(store.blobs.open(blob, 2_999_990))).equals(bytes.subarray(2_999_990))).toBe(true);
});

it('what has another digest or length than was said is not kept', async () => {
  const bytes = Buffer.from('right');
  for (const wrong of ['wrong', 'righ', 'right!']) {
    await using target = await store.blobs.target(blobFor(bytes));
    await target.write(Buffer.from(wrong));
    await expect(target.commit()).rejects.toThrow('nothing of it is kept');
  }
  expect([await store.blobs.has(digestOf(bytes)), partial()]).toEqual([false, []]);
});

it('what changed on the disk is noticed on read, and does not keep other images from being listed', async () => {
  const whole = await addImage(store, 'whole', { layers: [{ a: '1' }] });
  const broken = await addImage(store, 'broken', { layers: [{ b: '2' }] });
  const layer = broken.layers[0]?.descriptor;
  if (!layer) throw new Error('it has a layer');
  const bytes = readFileSync(store.blobs.path(layer.digest));
  writeFileSync(store.blobs.path(layer.digest), Buffer.from(bytes).fill(0, 20, 30));
  await expect(buffer(store.blobs.open(layer))).rejects.toThrow('other content');
  expect(await store.verify()).toEqual([expect.stringMatching(/broken:latest: the blob .* has other content/)]);
  truncateSync(store.blobs.path(layer.digest), 5);
  await expect(buffer(store.blobs.open(layer))).rejects.toThrow('other content');
  writeFileSync(store.blobs.path(broken.id), '{}');
  await expect(store.get('broken')).rejects.toThrow('other content');
  expect((await store.list()).map(({ id }) => id)).toEqual([whole.id]);
  expect(await store.untag(parseReference('broken'))).toBe(true);
});

it('an image whose blobs are missing is not taken in', async () => {
  const { manifest, blobs } = await blobsOf({ layers: [{ a: '1' }] });
  for (const { descriptor, bytes } of blobs.slice(1)) await store.blobs.put(bytes, descriptor.mediaType);
  await expect(store.add(manifest)).rejects.toThrow('is not in the store');
});

it('skopeo reads an image out of the store by its name, and puts one in', async (context) => {
  needs(context, 'skopeo', findProgram('skopeo') !== undefined);
  const image = await addImage(store, 'localhost:5000/team/app:v1', { layers: [{ a: '1' }, { b: '2' }] });
  const from = `oci:${data.images}:localhost:5000/team/app:v1`;
  const { stdout } = await mustRun('skopeo', ['inspect', from]);
  const inspected = JSON.parse(stdout) as { Digest: string; Layers: string[] };
  expect([inspected.Digest, inspected.Layers]).toEqual([
    image.manifestDigest,
    image.layers.map(({ descriptor }) => descriptor.digest),
  ]);
  await mustRun('skopeo', ['copy', '--insecure-policy', '-q', from, `oci:${data.images}:copied`]);
  expect((await store.get('copied')).id).toBe(image.id);
  await mustRun('skopeo', ['copy', '--insecure-policy', '-q', from, `oci:${data.folder}/elsewhere:copied`]);
});

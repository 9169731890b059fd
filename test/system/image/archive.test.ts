import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mustRun } from '../../../src/base/exec.js';
import { findProgram } from '../../../src/base/find-program.js';
import { loadImages } from '../../../src/image/archive/load-images.js';
import { type ArchiveFormat, saveImages } from '../../../src/image/archive/save-images.js';
import { digestOf } from '../../../src/image/digest.js';
import { OCI_MANIFEST } from '../../../src/image/manifest.js';
import type { ImageStore } from '../../../src/image/store/image-store.js';
import { needs } from '../../skips.js';
import { addImage, OwnData, tarOf } from './small-images.js';

let data: OwnData;
let store: ImageStore;

beforeEach(async () => {
  data = new OwnData();
  store = await data.store();
});
afterEach(() => data[Symbol.dispose]());

async function save(names: string[], format: ArchiveFormat = 'docker-archive'): Promise<string> {
  const images = await Promise.all(names.map(async (name) => await store.get(name)));
  const path = join(data.folder, `${format}.tar`);
  const saved = images.map((image) => ({ image, references: image.references }));
  await pipeline(await saveImages(store, saved, format), createWriteStream(path));
  return path;
}

const skopeo = async (...words: string[]) => (await mustRun('skopeo', words)).stdout;

it.each(['docker-archive', 'oci-archive'] as const)(
  'what was saved as %s comes back, packed or not',
  async (format) => {
    const one = await addImage(store, 'one', { layers: [{ a: '1' }, { b: '2' }] });
    const two = await addImage(store, 'localhost:5000/two:v2', { layers: [{ a: '1' }, { c: 'x'.repeat(100_000) }] });
    const path = await save(['one', 'localhost:5000/two:v2'], format);
    expect(await buffer(await saveImages(store, [], format))).not.toHaveLength(0);
    const packers = ['zstd', 'xz', 'bzip2'].filter((name) => findProgram(name));
    const packed = packers.map((name) => execFileSync(name, ['-c', path], { maxBuffer: 1 << 24 }));
    for (const bytes of [readFileSync(path), gzipSync(readFileSync(path)), ...packed]) {
      for (const image of await store.list()) await store.remove(image);
      await store.collectGarbage();
      const loaded = await loadImages(Readable.from([bytes]), store);
      expect(loaded.map(({ image, reference }) => [image.id, reference])).toEqual([
        [one.id, 'docker.io/library/one:latest'],
        [two.id, 'localhost:5000/two:v2'],
      ]);
      expect((await store.get('one')).manifestDigest).toBe(one.manifestDigest);
      expect([await store.verify(), (await store.collectGarbage()).digests]).toEqual([[], []]);
    }
  },
);

it('skopeo reads both archives, and its own are loaded', async (context) => {
  needs(context, 'skopeo', findProgram('skopeo') !== undefined);
  const image = await addImage(store, 'localhost/app:v1', { layers: [{ a: '1' }, { b: '2' }] });
  const docker = await save(['localhost/app:v1']);
  const oci = await save(['localhost/app:v1'], 'oci-archive');
  const diffIds = image.config.rootfs.diff_ids;
  const asOci = JSON.parse(await skopeo('inspect', `oci-archive:${oci}`)) as { Digest: string };
  expect(asOci.Digest).toBe(image.manifestDigest);
  expect(JSON.parse(await skopeo('inspect', '--config', `docker-archive:${docker}`)).rootfs.diff_ids).toEqual(diffIds);
  for (const [kind, path] of [
    ['docker-archive', join(data.folder, 'theirs-docker.tar')],
    ['oci-archive', join(data.folder, 'theirs-oci.tar')],
  ]) {
    const from = `oci:${data.images}:localhost/app:v1`;
    await skopeo('copy', '--insecure-policy', '-q', from, `${kind}:${path}:localhost/theirs:${kind}`);
    const [loaded] = await loadImages(createReadStream(path ?? ''), store);
    expect([loaded?.image.id, loaded?.reference]).toEqual([image.id, `localhost/theirs:${kind}`]);
    expect(loaded?.image.layers.map(({ diffId }) => diffId)).toEqual(diffIds);
  }
  expect(await store.verify()).toEqual([]);
});

it("docker's old archives, in which layers are linked to each other, are loaded", async () => {
  const layer = await tarOf({ a: '1' });
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [digestOf(layer), digestOf(layer)] },
  });
  const id = digestOf(config).slice(7);
  const { pack } = await import('tar-stream');
  const tar = pack();
  tar.entry({ name: `${id}.json` }, config);
  tar.entry({ name: 'bbb/layer.tar', type: 'symlink', linkname: '../aaa/layer.tar' });
  tar.entry({ name: 'aaa/layer.tar' }, layer);
  const layers = ['aaa/layer.tar', 'bbb/layer.tar'];
  tar.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: `${id}.json`, RepoTags: null, Layers: layers }]));
  tar.finalize();
  const [loaded] = await loadImages(tar as unknown as Readable, store);
  expect([loaded?.image.id, loaded?.reference, loaded?.image.layers.length]).toEqual([`sha256:${id}`, undefined, 2]);
});

const archiveOf = async (files: Record<string, string | Buffer>) => Readable.from([await tarOf(files)]);
const manifestFor = (config: string, layers: string[]) => JSON.stringify([{ Config: config, Layers: layers }]);
const zero = 'sha256:0000000000000000000000000000000000000000000000000000000000000000';

it('an archive that lies, or leads outside, is refused, and leaves nothing', async () => {
  const layer = await tarOf({ a: '1' });
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  });
  writeFileSync(join(data.folder, 'outside.json'), config);
  const outside = `../../../../..${data.folder}/outside.json`;
  const wrongBlob = digestOf(config).slice(7);
  const index = { schemaVersion: 2, manifests: [{ mediaType: OCI_MANIFEST, digest: zero, size: 10 }] };
  const cases: [RegExp, Readable][] = [
    [/nothing of it is kept/, await archiveOf({ [`blobs/sha256/${wrongBlob}`]: 'another', 'index.json': '{}' })],
    [/not in the store/, await archiveOf({ 'index.json': JSON.stringify(index) })],
    [/which is not in the archive/, await archiveOf({ 'manifest.json': manifestFor(outside, []) })],
    [
      /which is not in the archive/,
      await archiveOf({ 'c.json': config, 'manifest.json': manifestFor('c.json', ['/etc/passwd']) }),
    ],
    [/has the digest/, await archiveOf({ 'c.json': config, l: 'x', 'manifest.json': manifestFor('c.json', ['l']) })],
    [/has 0 layers/, await archiveOf({ 'c.json': config, 'manifest.json': manifestFor('c.json', []) })],
    [/is not JSON/, await archiveOf({ 'index.json': '{' })],
    [
      /another shape/,
      await archiveOf({ 'index.json': '{"schemaVersion":2,"manifests":[{"digest":"sha256:../../x"}]}' }),
    ],
    [/neither index.json nor/, await archiveOf({ etc: 'a root file system' })],
    [/no tar archive|neither index.json/, Readable.from([Buffer.from('this is a text, and no tar'.repeat(100))])],
    [/has more than 4194304 bytes/, await archiveOf({ 'index.json': Buffer.alloc(5 * 1024 * 1024, ' ') })],
  ];
  for (const [message, source] of cases) {
    await expect(loadImages(source, store)).rejects.toThrow(message);
    const { digests } = await store.collectGarbage();
    expect([digests, await store.list(), await store.verify()]).toEqual([[], [], []]);
  }
});

it('an archive that is cut is refused', async () => {
  const image = await addImage(store, 'app', { layers: [{ a: randomBytes(50_000) }] });
  const bytes = readFileSync(await save(['app']));
  await store.remove(image);
  await store.collectGarbage();
  for (const length of [700, bytes.length / 2, bytes.length - 3000]) {
    await expect(loadImages(Readable.from([bytes.subarray(0, length)]), store)).rejects.toThrow();
  }
  const gzip = gzipSync(bytes);
  await expect(loadImages(Readable.from([gzip.subarray(0, gzip.length / 2)]), store)).rejects.toThrow();
});

it('a blob that is broken in the store does not become an archive; a reader that goes away ends the writer', async () => {
  const image = await addImage(store, 'app', { layers: [{ a: 'x'.repeat(3_000_000) }], isGzip: false });
  const saved = [{ image, references: image.references }];
  const early = await saveImages(store, saved, 'oci-archive');
  for await (const _ of early) break;
  writeFileSync(store.blobs.path(image.layers[0]?.descriptor.digest ?? zero), 'short');
  const output = createWriteStream(join(data.folder, 'broken.tar'));
  await expect(pipeline(await saveImages(store, saved, 'oci-archive'), output)).rejects.toThrow('other content');
});

/** Registries that lie, two commands at once, and commands that are killed. */
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadImages } from '../../../src/image/archive/load-images.js';
import { saveImages } from '../../../src/image/archive/save-images.js';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../../../src/image/manifest.js';
import { pullImage } from '../../../src/image/pull-image.js';
import type { Image } from '../../../src/image/store/image.js';
import type { ImageStore } from '../../../src/image/store/image-store.js';
import { type Asked, blobOf, FaultRegistry, fastRetry } from './fault-registry.js';
import { addImage, blobsOf, OwnData, type SmallImage } from './small-images.js';
import { startVlab } from './vlab-images.js';

let data: OwnData;
let store: ImageStore;
let registry: FaultRegistry;

beforeEach(async () => {
  data = new OwnData();
  store = await data.store();
  registry = await FaultRegistry.start();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  data[Symbol.dispose]();
});

const pull = async (name = 'some/image:v1') =>
  await pullImage(`${registry.host}/${name}`, {
    store,
    access: { retry: fastRetry, find: async () => undefined, env: { CONTAINERS_REGISTRIES_CONF: '/dev/null' } },
  });

/** Puts an image into the registry, under the tag v1. */
async function serve(image: SmallImage = { layers: [{ a: '1' }, { b: randomBytes(200_000) }] }) {
  const { manifest, blobs } = await blobsOf(image);
  for (const { bytes } of blobs) registry.addBlob(bytes);
  const bytes = blobs.at(-1)?.bytes ?? Buffer.alloc(0);
  const kept = { type: manifest.mediaType, bytes };
  registry.manifests.set('v1', kept).set(manifest.digest, kept);
  return { manifest, layers: blobs.slice(0, -2).map(({ descriptor }) => descriptor), config: blobs.at(-2)?.descriptor };
}

function serveManifest(value: unknown, type = OCI_MANIFEST): void {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  registry.manifests.set('v1', { type, bytes });
}

const whatIsThere = async () => {
  const wrong = await store.verify();
  const partial = existsSync(`${data.images}/ingest`) ? readdirSync(`${data.images}/ingest`) : [];
  return { images: await store.list(), wrong, partial };
};

const answers =
  (part: string, status: number, headers: Record<string, string | number>, body = Buffer.alloc(0)) =>
  ({ method, path }: Asked, response: ServerResponse): boolean => {
    if (method !== 'GET' || !path.includes(part)) return false;
    response.writeHead(status, headers).end(body);
    return true;
  };

it('a registry that lies about a blob, in its content, its length or its place, is not believed', async () => {
  const { layers } = await serve();
  const digest = layers[1]?.digest ?? '';
  const size = layers[1]?.size ?? 0;
  const lies: [RegExp, FaultRegistry['fault']][] = [
    [/nothing of it is kept/, answers(digest, 200, { 'content-length': size }, randomBytes(size))],
    [/should be \d+/, answers(digest, 200, { 'content-length': size + 7 }, randomBytes(size + 7))],
    [/should be \d+/, answers(digest, 200, { 'content-length': 7 }, randomBytes(7))],
    [/redirects to the scheme file:/, answers(digest, 307, { location: 'file:///etc/passwd' })],
    [/a password in it/, answers(digest, 307, { location: 'http://a:b@127.0.0.1/' })],
    [/403/, answers(digest, 403, {})],
  ];
  for (const [message, fault] of lies) {
    registry.fault = fault;
    await expect(pull()).rejects.toThrow(message);
    expect(await whatIsThere()).toEqual({ images: [], wrong: [], partial: [] });
  }
  registry.fault = () => false;
  expect((await pull()).isNew).toBe(true);
});

it('manifests and configurations that are huge, or of another shape, are refused', async () => {
  const { config, layers } = await serve();
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers };
  const odd = (value: object) => registry.addBlob(Buffer.from(JSON.stringify(value)));
  const rootfs = { type: 'layers', diff_ids: [] };
  const coloured = 'x\u001b[31m';
  const cases: [RegExp, unknown, string?][] = [
    [/has more than 4194304 bytes/, Buffer.alloc(5 * 1024 * 1024, ' ')],
    [/is not JSON/, Buffer.from('<html>')],
    [/another shape .*layers/, { ...manifest, layers: 'none' }],
    [
      /another shape .*digest/,
      { ...manifest, layers: [{ mediaType: OCI_LAYER, digest: 'sha256:../../../x', size: 1 }] },
    ],
    [/another shape .*size/, { ...manifest, layers: [{ ...layers[0], size: -1 }] }],
    [/another shape .*size/, { ...manifest, layers: [{ ...layers[0], size: 1e300 }] }],
    [/another shape .*layers/, { ...manifest, layers: Array.from({ length: 1001 }, () => layers[0]) }],
    [/a layer is "x\\u001b\[31m"/, { ...manifest, layers: [{ ...layers[0], mediaType: coloured }] }],
    [
      /its type is "application\/vnd.docker.distribution.manifest.v1\+json"/,
      {},
      'application/vnd.docker.distribution.manifest.v1+json',
    ],
    [/more than 8388608 bytes/, { ...manifest, config: { ...config, size: 1e12 } }],
    [/knows of 2/, { ...manifest, layers: layers.slice(1) }],
    [/another shape/, { ...manifest, config: { ...odd({ os: 'linux' }), mediaType: OCI_CONFIG } }],
    [
      /knows of 0/,
      { ...manifest, config: { ...odd({ os: 'linux', architecture: 'amd64', rootfs }), mediaType: OCI_CONFIG } },
    ],
  ];
  for (const [message, value, type] of cases) {
    serveManifest(value, type);
    await expect(pull()).rejects.toThrow(message);
    expect(await whatIsThere()).toEqual({ images: [], wrong: [], partial: [] });
  }
});

it('an index that leads to itself, to nothing, or to another index is refused', async () => {
  const index = 'application/vnd.oci.image.index.v1+json';
  const platform = { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: index, manifests: [] }));
  registry.manifests.set(blobOf(bytes).digest, { type: index, bytes });
  serveManifest({ schemaVersion: 2, manifests: [{ ...blobOf(bytes), mediaType: index, platform }] }, index);
  await expect(pull()).rejects.toThrow('leads to another index');
  serveManifest({ schemaVersion: 2, manifests: [{ ...blobOf(randomBytes(9)), platform }] }, index);
  await expect(pull()).rejects.toThrow('not found');
  serveManifest({ schemaVersion: 2, manifests: [] }, index);
  await expect(pull()).rejects.toThrow('no matching manifest');
});

it('a transfer that was cut goes on where it was, in the next command too', async () => {
  const { layers } = await serve({ layers: [{ big: randomBytes(600_000) }] });
  const [layer] = layers;
  if (!layer) throw new Error('it has a layer');
  const bytes = registry.blobs.get(layer.digest) ?? Buffer.alloc(0);
  registry.fault = ({ method, path, headers }, response) => {
    if (method !== 'GET' || !path.includes(layer.digest)) return false;
    if (headers.range) return answers(layer.digest, 403, {})({ method, path } as Asked, response);
    response.writeHead(200, { 'content-length': layer.size });
    response.write(bytes.subarray(0, 300_000), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
  await expect(pull()).rejects.toThrow('403');
  registry.fault = () => false;
  registry.asked.length = 0;
  await pull();
  const asked = registry.asked.filter(({ path }) => path.includes(layer.digest));
  expect(asked.map(({ headers }) => headers.range)).toEqual([expect.stringMatching(/^bytes=[1-9]\d+-\d+$/)]);
  expect(await store.verify()).toEqual([]);
});

it('two pulls of the same image at once, beside a collection of garbage, both have it', async () => {
  await serve({ layers: Array.from({ length: 6 }, (_, at) => ({ [`file-${at}`]: randomBytes(100_000) })) });
  let isDone = false;
  const collecting = (async () => {
    while (!isDone) await store.collectGarbage();
  })();
  const pulled = await Promise.all([pull(), pull(), pull()]).finally(() => {
    isDone = true;
  });
  await collecting;
  expect(new Set(pulled.map(({ image }) => image.id)).size).toBe(1);
  expect([await store.verify(), (await store.list()).length]).toEqual([[], 1]);
});

it('eight commands at once give and take names, and each of them counts', async () => {
  const image = await addImage(store, 'app', { layers: [{ a: '1' }] });
  const names = Array.from({ length: 8 }, (_, at) => `app:v${at}`);
  const ran = await Promise.all(names.map(async (name) => await startVlab(data, ['tag', 'app', name]).ended));
  expect(ran.map(({ status }) => status)).toEqual(names.map(() => 0));
  expect((await store.get(image.id)).references).toHaveLength(9);
  await Promise.all(names.map(async (name) => await startVlab(data, ['rmi', name]).ended));
  expect((await store.get(image.id)).references).toEqual(['docker.io/library/app:latest']);
});

/** Enough for a moment in each step, few enough for a machine that others use. */
const ROUNDS = 12;

it('a pull, a load or an import that is killed leaves nothing that a later one minds', async () => {
  const layers = Array.from({ length: 4 }, (_, at) => ({ [`file-${at}`]: randomBytes(1_000_000) }));
  const { manifest } = await serve({ layers, isGzip: false });
  const env = { CONTAINERS_REGISTRIES_CONF: '/dev/null', REGISTRY_AUTH_FILE: '/dev/null/none' };
  const { image } = await pull();
  const saved: { image: Image; references: string[] }[] = [{ image, references: image.references }];
  await pipeline(await saveImages(store, saved, 'docker-archive'), createWriteStream(`${data.folder}/a.tar`));
  const commands = [
    ['pull', `${registry.host}/some/image:v1`],
    ['load', '-i', 'a.tar'],
    ['import', 'a.tar', 'x'],
  ];
  const began = Date.now();
  await startVlab(data, commands[0] ?? [], env).ended;
  const wholeMs = Date.now() - began;
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of await store.list()) await store.remove(one);
    await store.collectGarbage({ partial: true });
    const { child, ended } = startVlab(data, commands[round % commands.length] ?? [], env);
    const timer = setTimeout(() => child.kill('SIGKILL'), (wholeMs * (round + 1)) / ROUNDS);
    await ended;
    clearTimeout(timer);
    expect(await store.verify()).toEqual([]);
    await (round % 2 === 0 ? pull() : loadFrom(`${data.folder}/a.tar`));
    expect((await store.get(image.id)).manifestDigest).toBe(manifest.digest);
  }
  for (const one of await store.list()) await store.remove(one);
  await store.collectGarbage({ partial: true });
  const left = ['blobs/sha256', 'ingest', 'holds'].flatMap((name) => readdirSync(`${data.images}/${name}`));
  expect([left, readdirSync(data.images).sort()]).toEqual([
    [],
    ['blobs', 'holds', 'index.json', 'ingest', 'lock', 'oci-layout'],
  ]);
}, 120_000);

async function loadFrom(path: string): Promise<void> {
  await loadImages(createReadStream(path), store);
}

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { removeBlob, removeManifest, tagsOf } from '../../../src/image/registry/listing.js';
import { pullBlob, pullManifest, resolveManifest } from '../../../src/image/registry/pull.js';
import { pushBlob, pushManifest } from '../../../src/image/registry/push.js';
import { keepReferrer, referrersOf } from '../../../src/image/registry/referrers.js';
import type { Repository } from '../../../src/image/registry/repository.js';
import { ConnectionError } from '../../../src/image/registry/transport.js';
import { needs } from '../../skips.js';
import { blobOf, MemoryTarget, opener } from './fault-registry.js';
import { isRealRegistryThere, RealRegistry } from './real-registry.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = Buffer.from('{"architecture":"amd64","os":"linux"}');
const LAYER = randomBytes(700_000);
let registry: RealRegistry;
let repository: Repository;

beforeAll(async () => {
  if (!isRealRegistryThere) return;
  registry = await RealRegistry.start();
  repository = registry.repository('team/app');
});
afterAll(async () => {
  await repository?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});
beforeEach((context) => needs(context, 'docker-registry', isRealRegistryThere));

function manifestBytes(annotations: Record<string, string> = {}): Buffer {
  const config = { ...blobOf(CONFIG), mediaType: 'application/vnd.oci.image.config.v1+json' };
  const layers = [{ ...blobOf(LAYER), mediaType: 'application/vnd.oci.image.layer.v1.tar' }];
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers, annotations }));
}

it('an image that was pushed, in one request and in pieces, comes back byte by byte', async () => {
  expect(await pushBlob(repository, blobOf(CONFIG), opener(CONFIG))).toBe('sent');
  expect(await pushBlob(repository, blobOf(LAYER), opener(LAYER), { chunkBytes: 200_000 })).toBe('sent');
  expect(await pushBlob(repository, blobOf(LAYER), opener(LAYER))).toBe('present');
  const bytes = manifestBytes();
  const { digest } = await pushManifest(repository, 'v1', { mediaType: MANIFEST, bytes });
  const descriptor = { mediaType: MANIFEST, digest, size: bytes.length };
  expect(await pullManifest(repository, 'v1')).toEqual({ descriptor, bytes });
  expect(await resolveManifest(repository, digest)).toEqual(descriptor);
  const resumed = new MemoryTarget(blobOf(LAYER), LAYER.subarray(0, 123_456));
  await pullBlob(repository, blobOf(LAYER), resumed);
  expect([resumed.whole, resumed.restarts]).toEqual([true, 0]);
});

it('an upload whose answer was lost is begun anew: this registry does not let it go on', async () => {
  const bytes = randomBytes(500_000);
  let pieces = 0;
  const ask = repository.ask.bind(repository);
  const losing = vi.spyOn(repository, 'ask').mockImplementation(async (request, options) => {
    const answer = await ask(request, options);
    if (request.method === 'PATCH' && ++pieces === 2) throw new ConnectionError('operation', 'the answer was lost');
    return answer;
  });
  try {
    expect(await pushBlob(repository, blobOf(bytes), opener(bytes), { chunkBytes: 100_000 })).toBe('sent');
  } finally {
    losing.mockRestore();
  }
  expect(pieces).toBe(7);
  const target = new MemoryTarget(blobOf(bytes));
  await pullBlob(repository, blobOf(bytes), target);
  expect(target.whole).toBe(true);
});

it('a blob of another repository is mounted', async () => {
  await using other = registry.repository('other/app');
  expect(await pushBlob(other, blobOf(LAYER), opener(LAYER), { mountFrom: 'team/app' })).toBe('mounted');
});

it('tags, referrers by the fallback tag, and removals', async () => {
  const bytes = manifestBytes({ of: 'more' });
  for (const tag of ['v2', 'v3']) await pushManifest(repository, tag, { mediaType: MANIFEST, bytes });
  expect(await tagsOf(repository)).toEqual(['v1', 'v2', 'v3']);
  const subject = (await pullManifest(repository, 'v2')).descriptor;
  const { descriptor: referrer } = await pullManifest(repository, 'v1');
  await keepReferrer(repository, subject.digest, referrer);
  expect(await referrersOf(repository, subject.digest)).toEqual([referrer]);
  await removeManifest(repository, subject.digest);
  expect(await resolveManifest(repository, 'v2')).toBeUndefined();
  await expect(pullManifest(repository, 'v3')).rejects.toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' });
  await removeBlob(repository, blobOf(CONFIG).digest);
  await expect(removeBlob(repository, blobOf(CONFIG).digest)).rejects.toMatchObject({ status: 404 });
});

it('nobody comes in without a name, with a wrong password, or to a registry whose certificate nobody knows', async () => {
  await using stranger = registry.repository('team/app', { find: async () => undefined });
  await expect(pullManifest(stranger, 'v1')).rejects.toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
  await using untrusted = registry.repository('team/app', { isTrusted: false });
  await expect(pullManifest(untrusted, 'v1')).rejects.toThrow(/self-signed certificate/);
});

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cacheKey, findStep, keepStep, sweepSteps } from '../../../src/build/step-cache.js';
import type { BlobStore } from '../../../src/image/store/image-store.js';
import { ownName } from '../../../src/sys/own-name.js';

const blobs = { has: async () => true } as unknown as BlobStore;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vlab-steps-'));
  vi.stubEnv('VLAB_DATA_DIR', directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

test('what a killed build had begun to write is removed, and nothing else', async () => {
  await sweepSteps(); // there is no cache yet
  const key = cacheKey('RUN', 'true');
  await keepStep(key, { created: '2024-01-01T00:00:00Z' });
  const cache = join(directory, 'builds', 'cache');
  const living = ownName(',');
  for (const name of [living, `,${process.pid}.1.0`]) writeFileSync(join(cache, name), '{');
  await sweepSteps();
  expect(readdirSync(cache).sort()).toEqual([living, key].sort());
  expect(await findStep(key, blobs)).toEqual({ created: '2024-01-01T00:00:00Z' });
});

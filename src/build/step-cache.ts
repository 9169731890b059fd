/**
 * What steps came to, by key: dataDir()/builds/cache. The layers themselves are blobs of the image store, and may be gone when no
 * image has them any more: then the step is done again.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../base/errors.js';
import { writeWhole } from '../base/partial.js';
import { dataDir } from '../base/paths.js';
import type { Descriptor, Digest } from '../image/descriptor.js';
import type { BlobStore } from '../image/store/image-store.js';

export interface CachedStep {
  /** RFC 3339. */
  created: string;
  layer?: { descriptor: Descriptor; diffId: Digest };
}

export function cacheKey(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Undefined: it was not done yet, or its layer is gone. */
export async function findStep(key: string, blobs: BlobStore): Promise<CachedStep | undefined> {
  let cached: CachedStep;
  try {
    cached = JSON.parse(readFileSync(placeOf(key), 'utf8')) as CachedStep;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return cached.layer && !(await blobs.has(cached.layer.descriptor.digest)) ? undefined : cached;
}

export async function keepStep(key: string, step: CachedStep): Promise<void> {
  await writeWhole(placeOf(key), JSON.stringify(step));
}

function placeOf(key: string): string {
  return join(dataDir(), 'builds', 'cache', key);
}

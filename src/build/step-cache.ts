/**
 * What steps came to, by key: dataDir()/builds/cache. The layers themselves are blobs of the image store, and may be gone when no
 * image has them any more: then the step is done again.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../base/errors.js';
import { dataDir } from '../base/paths.js';
import type { Descriptor, Digest } from '../image/descriptor.js';
import type { BlobStore } from '../image/store/image-store.js';
import { namesEnded, ownName } from '../sys/own-name.js';

/** What is being written; no key is called so. */
const PARTIAL = ',';

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
  mkdirSync(cacheDir(), { recursive: true });
  const partial = join(cacheDir(), ownName(PARTIAL));
  try {
    await writeFile(partial, JSON.stringify(step));
    await rename(partial, placeOf(key));
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Removes what killed builds had begun to write. */
export async function sweepSteps(): Promise<void> {
  let names: string[];
  try {
    names = readdirSync(cacheDir());
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  for (const name of names) if (namesEnded(name, PARTIAL)) await rm(join(cacheDir(), name), { force: true });
}

function cacheDir(): string {
  return join(dataDir(), 'builds', 'cache');
}

function placeOf(key: string): string {
  return join(cacheDir(), key);
}

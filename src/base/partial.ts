/** What is made in steps is made under another name beside its place, and renamed when it is whole. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './errors.js';

/** Nothing that vlab makes in its cache takes that long: an older one was left by a killed maker. */
const STALE_MS = 24 * 3600 * 1000;

/**
 * A name beside `target` that no other maker has: not one in this process, and not one with this pid in another pid
 * namespace. Makes the folder; removes what makers of the same thing left there when they were killed.
 */
export function partialBeside(target: string): string {
  const folder = dirname(target);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(target)}.`) || !name.endsWith('.partial')) continue;
    const path = join(folder, name);
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - made > STALE_MS) rmSync(path, { recursive: true, force: true });
  }
  return `${target}.${randomUUID()}.partial`;
}

/**
 * Lets `make` fill a file or a folder of which no reader ever sees half; it gets the name to work under. What it began is
 * removed when it fails, or when the place was taken meanwhile by something that a rename does not replace (rename(2)).
 */
export async function makeWhole<T>(target: string, make: (partial: string) => Promise<T>): Promise<T> {
  const partial = partialBeside(target);
  try {
    const made = await make(partial);
    await rename(partial, target);
    return made;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

export async function writeWhole(target: string, data: string | Uint8Array): Promise<void> {
  await makeWhole(target, (partial) => writeFile(partial, data));
}

/** The answer that `file` keeps as JSON, if it is readable and still holds; otherwise asks, and keeps what it was told where it can. */
export async function remembered<T>(
  file: string,
  ask: () => Promise<T>,
  holds: (known: T) => boolean = () => true,
): Promise<T> {
  const known = readKept<T>(file);
  if (known !== undefined && holds(known)) return known;
  const answer = await ask();
  await writeWhole(file, JSON.stringify(answer)).catch((error: unknown) => {
    if (!UNWRITABLE.has(errnoOf(error) ?? '')) throw error;
  });
  return answer;
}

function readKept<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** A disk that is full or read-only, or somebody else's. */
const UNWRITABLE = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR']);

/** What is made in steps is made under another name beside its place, and renamed when it is whole. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

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

/** Writes a file of which no reader ever sees half, with the folders above it. */
export async function writeWhole(target: string, data: string | Uint8Array): Promise<void> {
  const partial = partialBeside(target);
  try {
    await writeFile(partial, data);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

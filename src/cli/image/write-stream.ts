import { createWriteStream, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { VlabError } from '../../base/errors.js';
import { makeWhole } from '../../base/partial.js';
import { onDisk } from '../../image/store/disk-error.js';

/**
 * Writes all of `source` into `file`, which is there whole or not at all, or to standard output. Errors: those of the source;
 * (`host`) no room; (`input`) the folder is not there.
 */
export async function writeStream(source: Readable, file: string | undefined, signal: AbortSignal): Promise<void> {
  if (file === undefined) return await pipeline(source, process.stdout, { signal, end: false });
  const there = statSync(file, { throwIfNoEntry: false });
  if (!statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory()) {
    source.destroy();
    throw new VlabError('input', `invalid output path: directory "${dirname(file)}" does not exist`, { exitCode: 1 });
  }
  const write = (path: string) => pipeline(source, createWriteStream(path), { signal });
  // a device or a pipe is written, not replaced
  const isOther = there !== undefined && !there.isFile();
  await onDisk(dirname(file), () => (isOther ? write(file) : makeWhole(file, write))).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}

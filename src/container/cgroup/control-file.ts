/** Control files of a running container's cgroup: read and written at once, here and nowhere else. */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import type { CgroupDirectory } from './cgroup.js';

/** What says that a file is not there: the kernel lacks it, or what it is about is switched off or gone. */
const ABSENT = ['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP'];

/** Without the line's end; undefined when there is no such file. */
export function readControl(directory: CgroupDirectory, file: string): string | undefined {
  try {
    return readFileSync(join(directory.path, file), 'utf8').trimEnd();
  } catch (error) {
    if (ABSENT.includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** In one write, as the kernel wants it, and never making the file. Throws what the kernel says. */
export function writeControl(directory: CgroupDirectory, file: string, value: string): void {
  const descriptor = openSync(join(directory.path, file), constants.O_WRONLY);
  try {
    writeSync(descriptor, value);
  } finally {
    closeSync(descriptor);
  }
}

/** `key value` lines as a map. */
export function keyed(text: string): Map<string, bigint> {
  const map = new Map<string, bigint>();
  for (const line of text.split('\n')) {
    const [key = '', value] = line.split(/\s+/);
    if (value !== undefined && /^\d+$/.test(value)) map.set(key, BigInt(value));
  }
  return map;
}

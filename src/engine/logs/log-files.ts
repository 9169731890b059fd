/** The files of one container's log: which there are, and from where to read them. Acts on the machine, reading only. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { tailStart } from './log-line.js';

export const NEWEST = 'log';

/** An open file of the log; a rotation renames it, and it stays readable. */
export interface LogFile {
  fd: number;
  inode: bigint;
}

/** Opens all of them, oldest first. One that is renamed meanwhile is met once. Who calls closes them. */
export function openLogFiles(logDir: string): LogFile[] {
  const files: LogFile[] = [];
  for (const name of namesOf(logDir)) {
    const file = openLogFile(join(logDir, name));
    if (!file) continue;
    if (files.some(({ inode }) => inode === file.inode)) closeSync(file.fd);
    else files.push(file);
  }
  return files;
}

/** Undefined: it is not there at this moment. */
export function openLogFile(path: string): LogFile | undefined {
  try {
    const fd = openSync(path, 'r');
    return { fd, inode: fstatSync(fd, { bigint: true }).ino };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** `log.2`, `log.1`, `log`: oldest first. */
function namesOf(logDir: string): string[] {
  try {
    return readdirSync(logDir)
      .filter((name) => /^log(\.\d+)?$/.test(name))
      .sort((a, b) => Number(b.split('.')[1] ?? 0) - Number(a.split('.')[1] ?? 0));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

const PART_BYTES = 64 << 10;

/** From where each file is to be read so that together they have the last `count` lines. */
export function tailOffsets(files: readonly LogFile[], count: number): number[] {
  const seen = { lines: 0 };
  const offsets = files.map(({ fd }) => fstatSync(fd).size);
  if (count === 0) return offsets;
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index] as LogFile;
    const from = tailOffset(file.fd, offsets[index] ?? 0, count, seen);
    offsets[index] = from ?? 0;
    if (from !== undefined) break;
  }
  return offsets;
}

function tailOffset(fd: number, size: number, count: number, seen: { lines: number }): number | undefined {
  let rest: Buffer = Buffer.alloc(0); // the beginning of a line whose end is in what was read before
  for (let at = size; at > 0; ) {
    const from = Math.max(0, at - PART_BYTES);
    const part = Buffer.concat([readAt(fd, from, at - from), rest]);
    const firstLine = from === 0 ? 0 : part.indexOf(0x0a) + 1;
    if (firstLine === part.length) {
      rest = part;
      at = from;
      continue;
    }
    const start = tailStart(part.subarray(firstLine), count, seen);
    if (start !== undefined) return from + firstLine + start;
    rest = part.subarray(0, firstLine);
    at = from;
  }
  return undefined;
}

export function readAt(fd: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  return buffer.subarray(0, readSync(fd, buffer, 0, bytes, position));
}

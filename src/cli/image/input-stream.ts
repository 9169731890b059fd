import { createReadStream, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { errnoOf, VlabError } from '../../base/errors.js';

const READ_BYTES = 1 << 20;

/** A file, or standard input where there is none. Error (`input`): it cannot be opened, or standard input is a terminal. */
export function inputStream(file: string | undefined): Readable {
  if (file === undefined) {
    if (process.stdin.isTTY) {
      throw new VlabError('input', 'an archive does not come from a terminal', {
        hint: 'name a file, or redirect standard input',
        exitCode: 1,
      });
    }
    return process.stdin;
  }
  try {
    return createReadStream(file, { fd: openSync(file, 'r'), highWaterMark: READ_BYTES });
  } catch (cause) {
    throw new VlabError('input', `cannot read ${file}: ${errnoOf(cause)}`, { cause, exitCode: 1 });
  }
}

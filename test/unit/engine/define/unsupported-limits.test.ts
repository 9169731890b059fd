import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { unsupportedLimits } from '../../../../src/engine/define/unsupported-limits.js';

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

function place(version: 1 | 2, controllers: string[], files: string[]) {
  const root = mkdtempSync(join(tmpdir(), 'limits-'));
  made.push(root);
  const parent = join(root, 'vlab');
  mkdirSync(parent);
  for (const file of files) writeFileSync(join(root, file), '');
  return { version, root, parent, controllers };
}

const SWAP = { memorySwapBytes: 5 };
const WEIGHT = { blkioWeight: 5 };

it.each([
  ['version 1 without swap', SWAP, 1, ['memory'], [], ['memorySwapBytes']],
  ['version 1 with swap', SWAP, 1, ['memory'], ['memory.memsw.limit_in_bytes'], []],
  ['version 2 with swap', SWAP, 2, ['memory'], ['vlab/memory.swap.max'], []],
  ['no memory controller', SWAP, 2, ['pids'], ['vlab/memory.swap.max'], ['memorySwapBytes']],
  ['BFQ', WEIGHT, 1, ['blkio'], ['blkio.bfq.io_serviced'], []],
  ['no weights', WEIGHT, 2, ['io'], ['vlab/io.max'], ['blkioWeight', 'blkioWeightDevices']],
  ['nothing asked for', {}, 1, [], [], []],
] as [string, object, 1 | 2, string[], string[], string[]][])(
  '%s',
  (_, asked, version, controllers, files, missing) => {
    expect([...unsupportedLimits(asked, [place(version, controllers, files)])]).toEqual(missing);
  },
);

/** Decompression of kernels and modules: by Node where it can, by the usual commands where it cannot. */

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { execa } from 'execa';
import { VlabError } from '../base/errors.js';
import type { Compression } from './bzimage.js';
import { decompressLz4Legacy } from './lz4-legacy.js';

const COMMANDS: Partial<Record<Compression, string>> = {
  xz: 'xz',
  lzma: 'xz',
  bzip2: 'bzip2',
  zstd: 'zstd',
  lzo: 'lzop',
};

/** Errors: `host` when the command is not installed; `operation` when the bytes are damaged. `name` is for them. */
export async function decompress(input: Buffer, compression: Compression, name: string): Promise<Buffer> {
  try {
    if (compression === 'none') return input;
    if (compression === 'gzip') return await promisify(gunzip)(input);
    if (compression === 'lz4') return decompressLz4Legacy(input);
  } catch (error) {
    throw new VlabError('operation', `cannot decompress ${name}: it is damaged`, { cause: error });
  }
  const command = COMMANDS[compression] as string;
  const result = await execa(command, ['-dcq'], { input, encoding: 'buffer', reject: false, maxBuffer: 1 << 30 });
  if (result.code === 'ENOENT') {
    throw new VlabError('host', `${name} is compressed with ${compression}, and ${command} is not installed`, {
      hint: `install ${command === 'xz' ? 'xz-utils' : command} and try again`,
    });
  }
  // Bytes behind the end (a kernel's appended size) make the command complain after it has written everything.
  if (result.stdout.length === 0) throw new VlabError('operation', `cannot decompress ${name}: ${result.stderr}`);
  return Buffer.from(result.stdout);
}

const BY_SUFFIX: readonly (readonly [suffix: string, Compression])[] = [
  ['.ko', 'none'],
  ['.ko.gz', 'gzip'],
  ['.ko.xz', 'xz'],
  ['.ko.zst', 'zstd'],
];

/** How a module file is compressed, by its name; undefined: it is no module. */
export function moduleCompression(fileName: string): Compression | undefined {
  return BY_SUFFIX.find(([suffix]) => fileName.endsWith(suffix))?.[1];
}

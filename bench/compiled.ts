/** The bench's own C programs, compiled when their source has changed. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, packageRoot } from '../src/base/paths.js';
import { hostArch } from '../src/sys/abi.js';
import { compilersFor, compileWhole } from '../src/sys/native.js';

const HEADERS = ['confine.h', 'spawn.h'];

/** Path of `bench/NAME.c` compiled: statically, so that nothing of a loader is in the way. */
export async function compiled(name: 'floor' | 'one-byte' | 'many' | 'enter'): Promise<string> {
  const source = join(packageRoot(), 'bench', `${name}.c`);
  const parts = [source, ...HEADERS.map((name) => join(packageRoot(), 'bench', name))].map((path) =>
    readFileSync(path),
  );
  const digest = createHash('sha256').update(Buffer.concat(parts)).digest('hex').slice(0, 16);
  const target = join(cacheDir(), 'native', `${name}-${digest}`);
  if (existsSync(target)) return target;
  const args = ['-O2', '-static', '-s', '-std=gnu11', '-Wall', '-Wextra', '-Werror'];
  await compileWhole(target, `bench/${name}.c`, compilersFor(hostArch()), (output) => [...args, '-o', output, source]);
  return target;
}

/** The bench's own C programs, compiled when their source has changed. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../src/base/exec.js';
import { partialBeside } from '../src/base/partial.js';
import { cacheDir, packageRoot } from '../src/base/paths.js';

/** Path of `bench/NAME.c` compiled: statically, so that nothing of a loader is in the way. */
export async function compiled(name: 'floor' | 'one-byte'): Promise<string> {
  const source = join(packageRoot(), 'bench', `${name}.c`);
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const target = join(cacheDir(), 'native', `${name}-${digest}`);
  if (existsSync(target)) return target;
  const partial = partialBeside(target);
  await mustRun('cc', ['-O2', '-static', '-s', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-o', partial, source]);
  renameSync(partial, target);
  return target;
}

// The cache holds programs and code that vlab runs, and filters that it trusts. Needs root and dist/ (npm test builds it).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { isRoot, needs } from '../skips.js';

const BIN = resolve(import.meta.dirname, '../../bin');

it('the cache is nobody else’s to write, whatever mask the caller has: dockerd has none', (context) => {
  needs(context, 'root', isRoot);
  const cache = mkdtempSync(join(tmpdir(), 'vlab-cache-'));
  try {
    const without = (words: string) => {
      const env = { ...process.env, VLAB_CACHE_DIR: join(cache, 'vlab') };
      return spawnSync('sh', ['-c', `umask 0; exec ${process.execPath} ${BIN}/${words}`], { env, encoding: 'utf8' });
    };
    expect(without('vlab.cjs run --rootfs probe /probe hello')).toMatchObject({ status: 0, stdout: 'hello\n' });
    expect(without(`vlab-oci.cjs --root ${cache}/states list`).status).toBe(0);
    const made = readdirSync(cache, { recursive: true, encoding: 'utf8' });
    expect(made.filter((path) => /^vlab\/(native|code|seccomp)$/.test(path))).toHaveLength(3);
    const open = made.filter((path) => statSync(join(cache, path)).mode & 0o022);
    expect(open).toEqual([]);
  } finally {
    rmSync(cache, { recursive: true });
  }
});

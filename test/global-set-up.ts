import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../src/base/errors.js';

/** The run directory of the tests is theirs alone (vitest.config.ts made it) and goes with them, its launcher too. */
export function teardown(): void {
  const folder = process.env.VLAB_RUN_DIR;
  if (folder === undefined) throw new VlabError('operation', 'VLAB_RUN_DIR was not set for the tests');
  const bin = join(import.meta.dirname, '../bin/vlab.cjs');
  const { status, stdout } = spawnSync(process.execPath, [bin, 'clean', '--json'], { encoding: 'utf8' });
  if (status === 0) {
    const { kept } = JSON.parse(stdout) as { kept: { what: string; why: string }[] };
    const ours = kept.filter(({ what }) => !what.startsWith('cgroup ')); // cgroups may be another run directory's
    for (const { what, why } of ours) console.error(`the tests left ${what}: ${why}`);
  }
  rmSync(folder, { recursive: true, force: true });
}

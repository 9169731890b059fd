import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../src/base/errors.js';

/** The run and data directories of the tests are theirs alone (vitest.config.ts made them) and go with them, the launcher too. */
export function teardown(): void {
  const { VLAB_RUN_DIR: folder, VLAB_DATA_DIR: data } = process.env;
  if (folder === undefined || data === undefined)
    throw new VlabError('operation', 'VLAB_RUN_DIR and VLAB_DATA_DIR were not set for the tests');
  const bin = join(import.meta.dirname, '../bin/vlab.cjs');
  const { status, stdout } = spawnSync(process.execPath, [bin, 'clean', '--json'], { encoding: 'utf8' });
  if (status === 0) {
    const { kept } = JSON.parse(stdout) as { kept: { what: string; why: string }[] };
    const ours = kept.filter(({ what }) => !what.startsWith('cgroup ')); // cgroups may be another run directory's
    for (const { what, why } of ours) console.error(`the tests left ${what}: ${why}`);
  }
  for (const dir of [folder, data]) rmSync(dir, { recursive: true, force: true });
}

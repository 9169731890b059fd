import { rmSync } from 'node:fs';
import { VlabError } from '../src/base/errors.js';

/** The run directory of the tests is theirs alone (vitest.config.ts made it) and goes with them. */
export function teardown(): void {
  const folder = process.env.VLAB_RUN_DIR;
  if (folder === undefined) throw new VlabError('operation', 'VLAB_RUN_DIR was not set for the tests');
  rmSync(folder, { recursive: true, force: true });
}

/** Where the resident planner of this version listens. Never taken from the environment of a caller: vlab-oci has it compiled in. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, privateDir, runDir } from '../base/paths.js';
import { initVersion } from '../sys/native.js';

/**
 * Its directory, whose name carries the version: that of vlab-init, and of the built runtime, whose file name holds the
 * digest of what is in it.
 */
export function plannerDir(): string {
  const bundle = readdirSync(join(packageRoot(), 'dist')).find((name) => /^vlab-oci-[0-9a-f]+\.cjs$/.test(name)) ?? '';
  const version = createHash('sha256').update(bundle).update(initVersion().toString()).digest('hex').slice(0, 8);
  return join(runDir(), `planner-${version}`);
}

export function plannerSocket(dir: string = plannerDir()): string {
  return join(dir, 'planner.sock');
}

export function makePlannerDir(): string {
  privateDir(runDir());
  return privateDir(plannerDir());
}

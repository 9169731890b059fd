import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { privateDir, runDir } from '../base/paths.js';
import { own, sweepOwners } from '../sys/owners.js';

/**
 * A folder for what trials write, in the run directory so that a trial waits for no disk where that is a tmpfs. Should
 * this process be killed, the next vlab command removes the folder; what dead owners left before is removed first.
 */
export async function makeScratch(): Promise<{ dir: string } & AsyncDisposable> {
  const parent = privateDir(runDir());
  await sweepOwners();
  const name = `bench-${randomBytes(5).toString('hex')}`;
  const dir = join(parent, name);
  const owned = own(name, { paths: [dir], cgroups: [] });
  mkdirSync(dir, { mode: 0o700 });
  return { dir, [Symbol.asyncDispose]: async () => await owned[Symbol.asyncDispose]() };
}

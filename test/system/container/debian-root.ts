/** A Debian root file system with an init, made by mmdebstrap and kept in the cache: about 15 s and 200 MiB the first time. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../src/base/exec.js';
import { findProgram } from '../../../src/base/find-program.js';
import { makeWhole } from '../../../src/base/partial.js';
import { cacheDir } from '../../../src/base/paths.js';

/** The directory, or undefined where none can be made: no mmdebstrap, or no mirror within reach. */
export async function debianRoot(): Promise<string | undefined> {
  const target = join(cacheDir(), 'test-roots', 'bookworm-systemd');
  if (existsSync(target)) return target;
  if (!findProgram('mmdebstrap')) return undefined;
  const args = ['--quiet', '--variant=apt', '--include=systemd,systemd-sysv,dbus', 'bookworm'];
  try {
    await makeWhole(target, async (partial) => {
      const ran = await run('mmdebstrap', [...args, partial], { timeout: 300_000 });
      if (ran.exitCode !== 0) throw new Error(ran.stderr);
    });
    return target;
  } catch (error) {
    console.error(`no Debian root: ${(error as Error).message.split('\n').at(-1)}`);
    return undefined;
  }
}

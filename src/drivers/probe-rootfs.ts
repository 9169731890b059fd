/** The smallest root file system that shows everything: the probe program and the directories that mounts need. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeWhole } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import { nativeBinary } from '../sys/native.js';

const DIRECTORIES = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp'];
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\n';

/** Builds it in the cache if it is not there. `digest`: SHA-256 of the program, hex. */
export async function probeRootfs(): Promise<{ dir: string; digest: string }> {
  const program = await nativeBinary('probe');
  const digest = createHash('sha256').update(readFileSync(program)).digest('hex');
  const dir = join(cacheDir(), 'rootfs', `probe-${digest.slice(0, 16)}`);
  if (existsSync(dir)) return { dir, digest };
  await makeWhole(dir, async (partial) => {
    for (const name of DIRECTORIES) mkdirSync(join(partial, name), { recursive: true });
    copyFileSync(program, join(partial, 'probe'));
    writeFileSync(join(partial, 'etc', 'passwd'), PASSWD);
  }).catch((error) => {
    if (!existsSync(dir)) throw error; // otherwise another process built it at the same time
  });
  return { dir, digest };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../base/exec.js';
import { type Attempt, lastLine } from './attempt.js';

/** All in a mount namespace of its own: an overlay over a tmpfs, because an overlay refuses some file systems below it. */
const SCRIPT = `set -e
mount -t tmpfs tmpfs "$0"
cd "$0"
mkdir lower upper work merged
echo below > lower/file
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
echo above > merged/file
read -r kept < lower/file
read -r written < upper/file
test "$kept $written" = "below above"`;

/** Mounts an overlay, writes through it, and checks that the lower layer kept its content. */
export async function tryOverlay(how: 'root' | 'rootless'): Promise<Attempt> {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-overlay-'));
  try {
    const around = how === 'root' ? [] : ['--user', '--map-root-user'];
    const ran = await run('unshare', [...around, '--mount', 'sh', '-c', SCRIPT, folder]);
    return { works: ran.exitCode === 0, detail: ran.exitCode === 0 ? 'written through one' : lastLine(ran.stderr) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

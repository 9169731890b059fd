// The guest kernel for virtual machines: pulled once, found in a moment ever after.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';

/**
 * True when there is a guest kernel in the cache, now or already before.
 * @param {string} root the checkout, built
 * @param {string[]} asRoot words in front of the command (`sudo`), or none
 * @returns {boolean}
 */
export function ensureGuestKernel(root, asRoot = []) {
  const [command = '', ...words] = [...asRoot, process.execPath, join(root, 'bin/vlab.cjs'), 'kernel'];
  const listed = spawnSync(command, [...words, 'ls', '--json'], { encoding: 'utf8' });
  if (listed.status === 0 && JSON.parse(listed.stdout).kernels.length > 0) return true;
  return spawnSync(command, [...words, 'pull'], { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

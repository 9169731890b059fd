import { readFileSync } from 'node:fs';
import { installLine, packageManagerOf } from './package-manager.mjs';
import packages from './packages.json' with { type: 'json' };

/** A thing that vlab may lack; packages.json says in which package each distribution has it. */
export type Need = keyof typeof packages;

/** The one line that installs these things on this machine, for this user. */
export function installLineHere(...needs: Need[]): string {
  return installLine(packageManagerOf(readOsRelease()), needs, packages, process.getuid?.() === 0);
}

function readOsRelease(): string {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // os-release(5): the second is where the first may be missing
    }
  }
  return '';
}

import { readFileSync } from 'node:fs';
import packages from './packages.json' with { type: 'json' };

/** What a distribution installs packages with. */
export type PackageManager = 'apt' | 'dnf' | 'pacman' | 'apk' | 'zypper';

/** A thing that vlab may lack; packages.json says in which package each distribution has it. */
export type Need = keyof typeof packages;

const COMMANDS: Record<PackageManager, string> = {
  apt: 'apt-get install -y',
  dnf: 'dnf install -y',
  pacman: 'pacman -S --needed --noconfirm',
  apk: 'apk add',
  zypper: 'zypper --non-interactive install',
};

const FAMILIES: Record<string, PackageManager> = {
  debian: 'apt',
  ubuntu: 'apt',
  fedora: 'dnf',
  rhel: 'dnf',
  centos: 'dnf',
  amzn: 'dnf',
  arch: 'pacman',
  alpine: 'apk',
  suse: 'zypper',
  opensuse: 'zypper',
};

/**
 * The package manager by os-release(5): ID first, then ID_LIKE from left to right. Undefined for a distribution that is
 * none of these.
 */
export function packageManagerOf(osRelease: string): PackageManager | undefined {
  const ids = [...fieldOf(osRelease, 'ID').split(' '), ...fieldOf(osRelease, 'ID_LIKE').split(' ')];
  for (const id of ids) {
    const manager = FAMILIES[id] ?? FAMILIES[id.split('-')[0] ?? ''];
    if (manager) return manager;
  }
  return undefined;
}

/** The one line that installs what is lacking; for a distribution that is not known it names the things. */
export function installLine(manager: PackageManager | undefined, needs: readonly Need[], root: boolean): string {
  if (manager === undefined) return `install ${needs.join(', ')} with your distribution's package manager`;
  const names = needs.map((need) => packages[need][manager]);
  return `${root ? '' : 'sudo '}${COMMANDS[manager]} ${names.join(' ')}`;
}

/** The install line for this machine and this user. */
export function installLineHere(...needs: Need[]): string {
  return installLine(packageManagerOf(readOsRelease()), needs, process.getuid?.() === 0);
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

function fieldOf(osRelease: string, field: string): string {
  return new RegExp(`^${field}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
}

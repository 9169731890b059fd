// JavaScript, not TypeScript: scripts/quickstart.mjs uses it before anything is installed or built.

/**
 * What a distribution installs packages with.
 * @typedef {'apt' | 'dnf' | 'pacman' | 'apk' | 'zypper'} PackageManager
 */

/** @type {Record<PackageManager, string>} */
const COMMANDS = {
  apt: 'apt-get install -y',
  dnf: 'dnf install -y',
  pacman: 'pacman -S --needed --noconfirm',
  apk: 'apk add',
  zypper: 'zypper --non-interactive install',
};

/** @type {Record<string, PackageManager>} */
const FAMILIES = {
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
 * The package manager by os-release(5): ID first, then ID_LIKE from left to right (`opensuse-leap` counts as `opensuse`).
 * Undefined for a distribution that is none of these.
 * @param {string} osRelease the file's text
 * @returns {PackageManager | undefined}
 */
export function packageManagerOf(osRelease) {
  const ids = `${fieldOf(osRelease, 'ID')} ${fieldOf(osRelease, 'ID_LIKE')}`.split(' ');
  for (const id of ids) {
    const manager = FAMILIES[id.split('-')[0] ?? ''];
    if (manager) return manager;
  }
  return undefined;
}

/**
 * The one line that installs what is lacking; for a distribution that is not known it names the things.
 * @template {string} Need
 * @param {PackageManager | undefined} manager
 * @param {readonly Need[]} needs keys of `packages`
 * @param {Record<Need, Record<PackageManager, string>>} packages the table of packages.json
 * @param {boolean} root whether the line is for root
 * @returns {string}
 */
export function installLine(manager, needs, packages, root) {
  if (manager === undefined) return `install ${needs.join(', ')} with your distribution's package manager`;
  const names = needs.map((need) => packages[need][manager]);
  return `${root ? '' : 'sudo '}${COMMANDS[manager]} ${names.join(' ')}`;
}

/** @param {string} osRelease @param {string} field */
function fieldOf(osRelease, field) {
  return new RegExp(`^${field}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
}

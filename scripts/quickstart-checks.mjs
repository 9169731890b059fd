// What quickstart.mjs decides, apart from what it does.

const NEEDED_NODE = [20, 19];

/** @param {string} version process.versions.node @returns {boolean} */
export function isNodeNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = NEEDED_NODE;
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

/**
 * @typedef {{ packages: Record<string, { version?: string, optional?: boolean, link?: boolean }> }} LockFile
 *
 * Whether node_modules holds what package-lock.json asks for, by the record that npm keeps of it
 * (node_modules/.package-lock.json). Optional packages of other platforms may be absent.
 * @param {LockFile} wanted @param {LockFile | undefined} installed @returns {boolean}
 */
export function isInstalled(wanted, installed) {
  if (installed === undefined) return false;
  const all = new Set([...Object.keys(wanted.packages), ...Object.keys(installed.packages)]);
  all.delete('');
  return [...all].every((path) => {
    const want = wanted.packages[path];
    const have = installed.packages[path];
    return have === undefined ? want?.optional === true : want?.version === have.version;
  });
}

/**
 * How commands that need root are run.
 * - `root`: this is root already.
 * - `sudo`: each is prefixed with sudo, which may ask for a password only at a terminal.
 * - `none`: there is no way to be root.
 * @param {{ uid: number, sudoWorksSilently: boolean, sudoExists: boolean, terminal: boolean, wanted: boolean }} facts
 * @returns {'root' | 'sudo' | 'none'}
 */
export function choosePrivilege({ uid, sudoWorksSilently, sudoExists, terminal, wanted }) {
  if (uid === 0) return 'root';
  if (!wanted) return 'none';
  if (sudoWorksSilently || (sudoExists && terminal)) return 'sudo';
  return 'none';
}

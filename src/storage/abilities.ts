/** What this machine's kernel and the file system of the data directory can do for layers: tried, and remembered for this kernel. */
import { existsSync, mkdtempSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { run } from '../base/exec.js';
import { findProgram } from '../base/find-program.js';
import { remembered } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import { inUserNamespace } from '../host/user-namespace.js';
import { snapshotsPlace } from './places.js';
import { removeTree } from './remove-tree.js';

export const STORAGE_DRIVERS = ['overlay', 'fuse-overlayfs', 'reflink', 'copy'] as const;
export type StorageDriver = (typeof STORAGE_DRIVERS)[number];

export interface StorageAbilities {
  /** Those that work; `copy` always does. */
  drivers: StorageDriver[];
  /** Of those that do not, what was said. */
  refusals: Partial<Record<StorageDriver, string>>;
}

export const needsUserXattr = () => process.getuid?.() !== 0 || inUserNamespace();

/** Linux 6.8 has had `lowerdir+` without the faults of its first version. */
export function lowerBy(kernel = release()): 'lowerdir+' | 'lowerdir' {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return major > 6 || (major === 6 && minor >= 8) ? 'lowerdir+' : 'lowerdir';
}

/** All in mount namespaces of their own, in the data directory, whose file system may refuse. */
const SCRIPTS: Record<Exclude<StorageDriver, 'copy'>, string> = {
  overlay: `set -e; cd "$0"; mkdir lower upper work merged; echo below > lower/file; echo below > lower/gone
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work"$1" merged
echo above > merged/file; rm merged/gone; test ! -e merged/gone; test "$(cat lower/file upper/file | tr -d '\\n')" = belowabove`,
  'fuse-overlayfs': `set -e; cd "$0"; mkdir lower upper work merged; echo below > lower/file
fuse-overlayfs -o "lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work" "$0/merged"
trap 'umount merged' EXIT
echo above > merged/file; test "$(cat lower/file upper/file | tr -d '\\n')" = belowabove`,
  reflink: `set -e; cd "$0"; echo content > file; cp --reflink=always file copy`,
};

/** Error (`host`): `driver` does not work here. */
export async function mustWork(driver: StorageDriver): Promise<void> {
  const { drivers, refusals } = await storageAbilities();
  if (drivers.includes(driver)) return;
  throw new VlabError('host', `the storage driver ${driver} does not work here: ${refusals[driver]}`, {
    hint: `these do: ${drivers.join(', ')}`,
  });
}

let known: Promise<StorageAbilities> | undefined;

export function storageAbilities(): Promise<StorageAbilities> {
  known ??= remember();
  return known;
}

function remember(): Promise<StorageAbilities> {
  const place = snapshotsPlace();
  const who = `${process.getuid?.()}${inUserNamespace() ? 'n' : ''}${findProgram('fuse-overlayfs') ? 'f' : ''}`;
  const key = `${release()}-${statSync(place).dev.toString(16)}-${who}`;
  return remembered(join(cacheDir(), 'storage', `${key}.json`), () => tryAll(place));
}

async function tryAll(place: string): Promise<StorageAbilities> {
  const found: StorageAbilities = { drivers: [], refusals: {} };
  for (const driver of STORAGE_DRIVERS) {
    const refusal = driver === 'copy' ? undefined : await refusalOf(driver, place);
    if (refusal === undefined) found.drivers.push(driver);
    else found.refusals[driver] = refusal;
  }
  return found;
}

async function refusalOf(driver: Exclude<StorageDriver, 'copy'>, place: string): Promise<string | undefined> {
  const isRoot = process.getuid?.() === 0;
  if (driver === 'fuse-overlayfs') {
    if (!isRoot) return 'it needs root';
    if (!findProgram('fuse-overlayfs')) return 'fuse-overlayfs is not installed';
    if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse';
    if (place.includes(':')) return `it cannot take a path with a colon: ${place}`;
  }
  const folder = mkdtempSync(join(place, '.try-'));
  try {
    const script = ['sh', '-c', SCRIPTS[driver], folder, needsUserXattr() ? ',userxattr' : ''];
    const around = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
    const ran = driver === 'reflink' ? await run('sh', script.slice(1)) : await run('unshare', [...around, ...script]);
    if (ran.exitCode === 0) return undefined;
    return ran.stderr.trim().split('\n').at(-1) || `it ended with ${ran.exitCode}`;
  } finally {
    await removeTree(folder);
  }
}

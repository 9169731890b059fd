/** The one keeper of a data directory: who it is. Its record may be read by everybody; it is changed with the lock only. */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDir, packageRoot } from '../../base/paths.js';
import { locked, TOKEN } from '../../oci/lock.js';
import { makeDirectories, makeDirectoryWhole } from '../../oci/whole-directory.js';
import { bootProcessOf, stillRuns } from '../record/boot.js';
import type { BootProcess } from '../record/container-state.js';

export interface KeeperRecord {
  process: BootProcess;
  /** Of the vlab that it is of. */
  version: string;
  /** RFC 3339. */
  startedAt: string;
  /** A service manager starts and ends it; it does not end by itself. */
  service: boolean;
}

export function keeperDir(): string {
  return join(dataDir(), 'keeper');
}

const RECORD = 'keeper.json';
const BOOT = 'boot';

/** Nobody becomes the keeper, or stops being it, while `work` runs. */
export async function withKeeper<T>(work: () => Promise<T>): Promise<T> {
  makeDirectories(dataDir());
  makeDirectoryWhole({ root: dataDir(), name: 'keeper' }, (partial) => writeFileSync(join(partial, TOKEN), ''));
  return locked(keeperDir(), work);
}

/** The one that runs now. */
export function runningKeeper(): KeeperRecord | undefined {
  const record = read<KeeperRecord>(RECORD);
  return record && stillRuns(record.process) ? record : undefined;
}

/** Within withKeeper. */
export function writeKeeper(pid: number, service: boolean): void {
  const record = { process: bootProcessOf(pid), version: ownVersion(), startedAt: new Date().toISOString(), service };
  write(RECORD, record satisfies KeeperRecord);
}

/** Within withKeeper, by the keeper itself: it looks after nothing from now on. */
export function forgetKeeper(): void {
  const { process: keeper } = read<KeeperRecord>(RECORD) ?? {};
  if (keeper?.pid === process.pid) rmSync(join(keeperDir(), RECORD), { force: true });
}

/** A keeper of another vlab is replaced: its code is older or newer than that which wrote the records. A build has a new folder. */
export function ownVersion(): string {
  const built = statSync(join(packageRoot(), 'dist'), { throwIfNoEntry: false });
  return `${packageRoot()} ${built?.ino ?? 0} ${Math.trunc(built?.birthtimeMs ?? 0)}`;
}

/** The boot in which a keeper last started what is to be started after a boot. */
export function lastBoot(): string | undefined {
  return read<string>(BOOT);
}

export function writeLastBoot(boot: string): void {
  write(BOOT, boot);
}

function read<T>(name: string): T | undefined {
  try {
    return JSON.parse(readFileSync(join(keeperDir(), name), 'utf8')) as T;
  } catch {
    return undefined; // there is none, and a broken one is none
  }
}

function write(name: string, value: unknown): void {
  const path = join(keeperDir(), name);
  writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

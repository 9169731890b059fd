/** Networks and leases on disk: one file, written whole by rename, and a lock that ends with its holder. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { writeWhole } from '../base/partial.js';
import { dataDir, privateDir } from '../base/paths.js';
import { withLock } from '../sys/waiting-lock.js';
import type { NetworkDefinition } from './definition.js';
import { type Leases, NO_LEASES } from './leases.js';

export interface NetworkState {
  networks: readonly NetworkDefinition[];
  leases: Leases;
  /** The id of the network or the lease whose links are being made: who finds it with the lock in hand knows its maker was killed. */
  making?: string;
}

/** As it is at this moment. Error (`operation`): the file is no JSON. */
export function readNetworkState(): NetworkState {
  const path = join(dataDir(), 'networks', 'state.json');
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as NetworkState;
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return { networks: [], leases: NO_LEASES };
    throw new VlabError('operation', `cannot read ${path}`, { cause });
  }
}

/**
 * Lets `work` read and write the state while no other process does. `lock`: its descriptor. Error (`operation`): another process keeps the lock for
 * 30 s.
 */
export async function withNetworkState<T>(
  work: (state: NetworkState, write: (next: NetworkState) => Promise<void>, lock: number) => Promise<T>,
): Promise<T> {
  mkdirSync(dataDir(), { recursive: true });
  const folder = privateDir(join(dataDir(), 'networks'));
  return await withLock(folder, (lock) =>
    work(readNetworkState(), (next) => writeWhole(join(folder, 'state.json'), JSON.stringify(next)), lock),
  );
}

/** Keeps the rules as they were last sent beside the state. Returns the file's path. Only for who holds the lock. */
export async function writeRules(json: string): Promise<string> {
  const path = join(dataDir(), 'networks', 'rules.json');
  await writeWhole(path, json);
  return path;
}

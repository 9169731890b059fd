/** A lock on a folder that ends with its holder: flock(2) on a file in it. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../base/errors.js';
import { takeLock } from './owners.js';

const DEADLINE_MS = 30_000;
const PAUSE_MS = 10;

/**
 * Runs `work` while no other process does so for `folder`, which must be there. `lock`: the descriptor that holds it; who gives
 * it to another process lets that one hold it too. Error (`operation`): another process keeps it for 30 s.
 */
export async function withLock<T>(folder: string, work: (lock: number) => Promise<T>): Promise<T> {
  const lock = openSync(join(folder, 'lock'), 'a', 0o600);
  try {
    for (const began = Date.now(); !(await takeLock(lock)); await sleep(PAUSE_MS)) {
      if (Date.now() - began < DEADLINE_MS) continue;
      throw new VlabError('operation', `another command has been working on ${folder} for ${DEADLINE_MS / 1000} s`, {
        hint: 'wait until it is done, and try again',
      });
    }
    return await work(lock);
  } finally {
    closeSync(lock);
  }
}

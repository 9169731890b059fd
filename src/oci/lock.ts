/**
 * A lock that survives the crash of its holder, in nothing but file operations (Node has no flock): the lock is a directory
 * that holds its owner's record, and is taken by rename(2), which does not replace a directory that is not empty. A dead
 * owner's lock is moved to a name that only this owner can have, so only one of several waiters moves it.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../base/errors.js';
import { isAlive, type Process, thisProcess } from '../sys/owners.js';

const DEADLINE_MS = 30_000;
let counter = 0;

/**
 * Runs `work` while no other process does so for `dir`. Errors: ENOENT of Node when `dir` is gone; `operation` when its
 * owner keeps it for 30 s.
 */
export async function locked<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const release = await take(dir);
  try {
    return await work();
  } finally {
    release();
  }
}

async function take(dir: string): Promise<() => void> {
  const me = thisProcess();
  const mine = join(dir, `.lock-${me.pid}-${me.startTime}-${counter++}`);
  const lock = join(dir, 'lock');
  mkdirSync(mine, { mode: 0o700 });
  writeFileSync(join(mine, 'owner.json'), JSON.stringify(me));
  for (const began = Date.now(); ; await sleep(2)) {
    try {
      renameSync(mine, lock);
      return () => release(lock, mine);
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
    }
    const owner = ownerOf(lock);
    if (owner && !isAlive(owner)) moveAway(lock, join(dir, `.dead-lock-${owner.pid}-${owner.startTime}`));
    else if (Date.now() - began > DEADLINE_MS) {
      rmSync(mine, { recursive: true, force: true });
      throw new VlabError('operation', `another command has been working on ${dir} for ${DEADLINE_MS / 1000} s`, {
        hint: `look at process ${owner?.pid ?? '?'}`,
      });
    }
  }
}

function release(lock: string, mine: string): void {
  try {
    renameSync(lock, mine); // first away, or another could find it half removed
    rmSync(mine, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error; // its directory was removed by the work itself
  }
}

function ownerOf(lock: string): Process | undefined {
  try {
    return JSON.parse(readFileSync(join(lock, 'owner.json'), 'utf8')) as Process;
  } catch {
    return undefined; // released meanwhile
  }
}

function moveAway(lock: string, away: string): void {
  try {
    renameSync(lock, away);
  } catch (error) {
    // Somebody else moved it, and the lock may be a living one by now.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/**
 * A lock that survives the crash of its holder, in nothing but renames (Node has no flock): each directory holds a token. Who
 * takes it renames it to a name of its own, and who releases it renames it back. A rename needs no room on a disk that is full,
 * and only one of several can move the same name, also away from a holder that has died.
 */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../base/errors.js';
import { namesEnded, ownName } from '../sys/own-name.js';
import { type Process, thisProcess } from '../sys/owners.js';
import { BrokenError } from './container-errors.js';

/** A file of this name in a directory lets it be locked. */
export const TOKEN = 'lock';
const TAKEN = 'lock.';
const DEADLINE_MS = 30_000;
/** A token cannot be seen at the moment of its rename; more often than this it is not there. */
const MOST_LOOKS = 100;

/** The token of a directory while its maker is not yet done with it. */
export function makersToken({ pid, startTime }: Process): string {
  return `${TAKEN}${pid}.${startTime}.making`;
}

/** Puts a token into a directory that nobody else sees yet; this process has it. Returns what releases it in `place`. */
export function placeTaken(directory: string, place: string): () => void {
  const mine = makersToken(thisProcess());
  writeFileSync(join(directory, mine), '');
  return () => move(join(place, mine), join(place, TOKEN));
}

/**
 * Runs `work` while no other process does so for `dir`. Errors: ENOENT of Node when `dir` is gone; `operation` when its
 * holder keeps it for 30 s, or there is none.
 */
export async function locked<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const mine = join(dir, ownName(TAKEN));
  await take(dir, mine);
  try {
    return await work();
  } finally {
    move(mine, join(dir, TOKEN)); // unless the work itself removed the directory
  }
}

/** Whether a living process has the lock at this moment. False also when `dir` is gone. */
export function isLocked(dir: string): boolean {
  try {
    return readdirSync(dir).some((name) => name.startsWith(TAKEN) && namesEnded(name, TAKEN) === false);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

async function take(dir: string, mine: string): Promise<void> {
  let looks = 0;
  for (const began = Date.now(); ; ) {
    if (move(join(dir, TOKEN), mine)) return;
    const names = readdirSync(dir);
    const taken = names.find((name) => name.startsWith(TAKEN));
    if (taken !== undefined && namesEnded(taken, TAKEN) !== false) {
      if (move(join(dir, taken), mine)) return;
    } else if (taken !== undefined && Date.now() - began > DEADLINE_MS) {
      throw new VlabError('operation', `another command has been working on ${dir} for ${DEADLINE_MS / 1000} s`, {
        hint: `look at process ${taken.slice(TAKEN.length).split('.')[0]}`,
      });
    } else if (taken === undefined && !names.includes(TOKEN) && ++looks > MOST_LOOKS) {
      throw new BrokenError(`the lock in ${dir} is gone`);
    } else await sleep(2);
  }
}

/** False: there is nothing of that name (any more). */
function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

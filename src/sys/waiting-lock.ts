/** A lock on a folder that ends with its holder: flock(2) on a file in it. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { hostArch } from './abi.js';
import { num } from './num.js';
import { startOnce } from './perform-once.js';
import { PlanBuilder } from './plan.js';

const DEADLINE_MS = 30_000;
const LOCK_EX = num(2, 'LOCK_EX');
/** The first descriptor behind the channel. */
const LOCK_FD = num(4, 'lock');

export interface LockOptions {
  /** The file's name in the folder. */
  name?: string;
  deadlineMs?: number;
}

/**
 * Runs `work` while no other process does so for `folder`, which must be there. `lock`: the descriptor that holds it; who gives
 * it to another process lets that one hold it too. Error (`operation`): others keep it for 30 s.
 */
export async function withLock<T>(
  folder: string,
  work: (lock: number) => Promise<T>,
  { name = 'lock', deadlineMs = DEADLINE_MS }: LockOptions = {},
): Promise<T> {
  const lock = openSync(join(folder, name), 'a', 0o600);
  try {
    if (await waitFor(lock, deadlineMs)) return await work(lock);
    throw new VlabError('operation', `another command has been working on ${folder} for ${deadlineMs / 1000} s`, {
      hint: 'wait until it is done, and try again',
    });
  } finally {
    closeSync(lock);
  }
}

/**
 * Node has no flock. The lock belongs to the open file, which a performer shares for a moment: it waits in the kernel, in the
 * order in which others came, and what it was given stays ours when it has ended.
 */
async function waitFor(descriptor: number, deadlineMs: number): Promise<boolean> {
  const b = new PlanBuilder(hostArch());
  b.step('flock', [LOCK_FD, LOCK_EX], 'wait for the lock');
  const { pid, ended } = await startOnce(b.build(), { descriptors: [descriptor] });
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    process.kill(pid, 'SIGKILL');
  }, deadlineMs);
  try {
    const { failure } = await ended;
    if (failure) throw failure;
    return true;
  } catch (error) {
    if (late) return false;
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

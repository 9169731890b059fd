/** The descriptors that a program gets. Pure. */
import { flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder, StepOptions, Word } from '../../sys/plan.js';

/** A descriptor that the program gets: as `number`; the performer has it as `at`. */
export interface Passed {
  number: number;
  at: number;
}

/** Gives standard descriptors to the program's user, so that it can open them again by /proc/self/fd, as runc does. */
export function ownStdio(b: PlanBuilder, uid: number, descriptors: readonly number[]): void {
  if (uid === 0) return;
  for (const descriptor of descriptors) {
    const owner = [uid, num(-1n, '-1')] as const;
    b.step(
      'fchownat',
      [descriptor, b.str(''), ...owner, flags('AT_EMPTY_PATH')],
      `give descriptor ${descriptor} to user ${uid}`,
      {
        tolerate: ['EPERM', 'EINVAL', 'EROFS', 'EACCES'],
      },
    );
  }
}

/**
 * From 3 on, without a gap, those that are passed; behind them `kept`, until the program runs. All others are closed, and not
 * only by its exec: the program, or its interpreter, is looked up before that, and a name or a link of the image could lead
 * there through /proc/self/fd (CVE-2024-21626). `done` is 0 then. Returns the number of `kept`.
 */
export function passDescriptors(
  b: PlanBuilder,
  passed: readonly Passed[],
  { kept, done }: { kept?: Word | undefined; done?: Word | undefined } = {},
): number {
  for (const { number, at } of passed)
    if (number !== at) b.step('dup3', [at, number, 0], `pass descriptor ${number} on`);
  const next = FIRST_PASSED + passed.length;
  if (kept) {
    // EINVAL: it has that number already.
    b.step('dup3', [kept, next, flags('O_CLOEXEC')], 'keep what its exec will close', { tolerate: ['EINVAL'] });
  }
  closeFrom(b, kept ? next + 1 : next, 'hand no other descriptor on', done ? { result: done } : {});
  return next;
}

const FIRST_PASSED = 3;

/** So many descriptors must be possible for that (RLIMIT_NOFILE). */
export const neededFor = (passed: readonly Passed[]): number => FIRST_PASSED + passed.length + 1;

/** Closes all descriptors from that number on. */
export function closeFrom(b: PlanBuilder, first: number, why: string, options: StepOptions = {}): void {
  b.step('close_range', [first, num(0xffffffff, '~0'), 0], why, options);
}

/** The descriptors that a program gets. Pure. */
import { flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';

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

/** From 3 on, without a gap, those that are passed; none behind them survives exec (CVE-2024-21626, CVE-2016-9962). `done` is 0 then. */
export function passDescriptors(b: PlanBuilder, passed: readonly Passed[], done?: Word): void {
  for (const { number, at } of passed)
    if (number !== at) b.step('dup3', [at, number, 0], `pass descriptor ${number} on`);
  const first = 3 + passed.length;
  b.step('close_range', [first, num(0xffffffff, '~0'), num(4, 'CLOSE_RANGE_CLOEXEC')], 'hand no other descriptor on', {
    ...(done ? { result: done } : {}),
  });
}

/** The plan of `start`: lets the waiting process go on, and waits until its program runs or it has told why not. Pure. */
import { type Arch, flags } from '../sys/abi.js';
import { type Plan, PlanBuilder } from '../sys/plan.js';

/**
 * The reply is 16 bytes: how many bytes said that only the program was to come (8, or 0 when the process died before), then 0
 * or the negative errno of execve(2).
 */
export function startPlan(arch: Arch, fifos: { start: string; outcome: string }): Plan {
  const b = new PlanBuilder(arch);
  const [start, outcome] = [b.word('start'), b.word('outcome')];
  const [reached, errno] = [b.word('reached'), b.word('errno')];
  const gone = { hint: 'the container has ended' };
  const openEnd = (path: string, how: 'O_RDONLY' | 'O_WRONLY', result: typeof start, why: string) =>
    b.step('openat', [flags('AT_FDCWD'), b.str(path), flags(how, 'O_NONBLOCK', 'O_CLOEXEC')], why, { result, ...gone });
  openEnd(fifos.outcome, 'O_RDONLY', outcome, 'hear how it goes');
  openEnd(fifos.start, 'O_WRONLY', start, "open the way to the container's first process");
  b.step('fcntl', [outcome, flags('F_SETFL'), 0], 'and wait for it');
  b.step('write', [start, b.str('.'), 1], 'let it go on', gone);
  b.step('close', [start], 'that was all');
  b.step('read', [outcome, b.addressOf(errno), 8], 'wait until only its program is to come', {
    result: reached,
    retryOnEintr: true,
  });
  b.step('read', [outcome, b.addressOf(errno), 8], 'wait until its program runs, or it tells why not', {
    retryOnEintr: true,
  });
  b.reply(reached, 16);
  return b.build();
}

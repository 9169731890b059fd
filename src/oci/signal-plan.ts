/** The plan of `kill`: in the caller's name, to a process that cannot be mistaken for another. Pure. */
import type { Arch } from '../sys/abi.js';
import { CHANNEL_FD, note } from '../sys/channel.js';
import { type Plan, PlanBuilder } from '../sys/plan.js';

/**
 * Opens each process, tells the caller, who looks whether they still are the ones it means and answers with a byte, and
 * signals them: a pid that is used anew meanwhile has another pidfd (pidfd_open(2)).
 */
export function signalPlan(arch: Arch, pids: readonly number[], signal: number): Plan {
  const b = new PlanBuilder(arch);
  const { frame, frameBytes } = note(b, 8, 'opened');
  const held = pids.map((pid) => {
    const pidfd = b.word(`pidfd of ${pid}`, -1);
    b.step('pidfd_open', [pid, 0], `hold process ${pid}`, { result: pidfd, tolerate: ['ESRCH'] });
    return pidfd;
  });
  b.step('write', [CHANNEL_FD, frame, frameBytes], 'ask whether they are the ones that are meant');
  b.step('read', [CHANNEL_FD, b.space(8, 'byte'), 1], 'wait for the answer', { accept: [1, 1], retryOnEintr: true });
  for (const pidfd of held) {
    b.step('pidfd_send_signal', [pidfd, signal, 0, 0], `send signal ${signal}`, { tolerate: ['ESRCH', 'EBADF'] });
  }
  return b.build();
}

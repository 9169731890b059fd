/** The plan of `kill`: in the caller's name, to a process that cannot be mistaken for another. Pure. */
import type { Arch } from '../sys/abi.js';
import { awaitAgreement } from '../sys/agreement.js';
import { CHANNEL_FD, note } from '../sys/channel.js';
import { type Plan, PlanBuilder } from '../sys/plan.js';

/**
 * Opens the process, tells the caller, who looks whether it still is the one that is meant and answers, and
 * signals it: a pid that is used anew meanwhile has another pidfd (pidfd_open(2)).
 */
export function signalPlan(arch: Arch, pid: number, signal: number): Plan {
  const b = new PlanBuilder(arch);
  const { frame, frameBytes } = note(b, 8, 'opened');
  const pidfd = b.word('pidfd');
  b.step('pidfd_open', [pid, 0], `hold process ${pid}`, { result: pidfd });
  b.step('write', [CHANNEL_FD, frame, frameBytes], 'ask whether it is the one that is meant');
  awaitAgreement(b, 'wait for the answer', 'go on only if it is');
  b.step('pidfd_send_signal', [pidfd, signal, 0, 0], `send signal ${signal}`);
  return b.build();
}

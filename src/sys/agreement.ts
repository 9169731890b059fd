/**
 * How a caller answers a plan that asks it: yes or no, by a descriptor that the performer has, or by one that nobody has. After
 * a no the plan has failed, but the channel is there still, and what went wrong can be said over it. Pure.
 */
import { flags } from './abi.js';
import { CHANNEL_FD } from './channel.js';
import { words64 } from './encode.js';
import type { Addr, PlanBuilder } from './plan.js';

export const AGREED = Buffer.from(words64(CHANNEL_FD));
export const REFUSED = Buffer.from(words64(-1));

/** Steps that wait for the answer, and go on only after a yes. */
export function awaitAgreement(b: PlanBuilder, what: string, why: string): void {
  const verdict = b.word('verdict');
  takeAnswer(b, b.addressOf(verdict), AGREED.length, what);
  b.step('fcntl', [verdict, flags('F_GETFD')], why, { accept: [0, 1], hint: 'the caller says what went wrong' });
}

/** So many bytes of what the caller answers. */
export function takeAnswer(b: PlanBuilder, to: Addr, bytes: number, why: string): void {
  b.step('recvfrom', [CHANNEL_FD, to, bytes, flags('MSG_WAITALL'), 0, 0], why, {
    accept: [bytes, bytes],
    retryOnEintr: true,
  });
}

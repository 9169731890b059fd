/** Whether a container that has ended is started again, and when: docker's rules (its restartmanager). Pure. */
import type { RestartPolicy } from '../define/definition-parts.js';

export interface Ended {
  policy: RestartPolicy;
  exitCode: number;
  /** Starts by the policy, since somebody started it. */
  restartCount: number;
  /** Somebody wanted it to end. */
  stopAsked: boolean;
  ranMs: number;
  /** The wait before the last start by the policy. */
  lastDelayMs: number | undefined;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** Who ran so long is taken for well, and does not wait longer than the first time. */
const WELL_MS = 10_000;

/** After so many ms; undefined: not at all. */
export function restartDelay(ended: Ended): number | undefined {
  if (ended.stopAsked || !wantsRestart(ended)) return undefined;
  if (ended.lastDelayMs === undefined || ended.ranMs >= WELL_MS) return FIRST_DELAY_MS;
  return Math.min(ended.lastDelayMs * 2, LONGEST_DELAY_MS);
}

function wantsRestart({ policy, exitCode, restartCount }: Ended): boolean {
  switch (policy.name) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return exitCode !== 0 && (policy.maximumRetryCount === 0 || restartCount < policy.maximumRetryCount);
  }
}

/** Of a container that does not run when the machine has booted. `always` means: also after it was stopped. */
export function startsAfterBoot(policy: RestartPolicy, state: { ran: boolean; stopAsked: boolean }): boolean {
  if (!state.ran) return false; // it was only made
  return policy.name === 'always' || (policy.name === 'unless-stopped' && !state.stopAsked);
}

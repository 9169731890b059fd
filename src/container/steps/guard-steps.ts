/** What keeps others away from a process before its program runs, and the caller's keys away from the program. Pure. */
import { flags } from '../../sys/abi.js';
import type { PlanBuilder } from '../../sys/plan.js';

/**
 * Until its exec, which makes it dumpable again, nobody without CAP_SYS_PTRACE over the host can trace the process or reach
 * through /proc/PID (CVE-2016-9962). A process on borrowed memory shares this with the lender (prctl(2), proc(5)).
 * The files of /proc/PID belong to the host's root from here on, so id maps come before it.
 */
export function hideFromOthers(b: PlanBuilder): void {
  b.step('prctl', [flags('PR_SET_DUMPABLE'), 0, 0, 0, 0], 'let nobody trace it before its program runs');
}

/**
 * The parent of an ordinary user's container has no privilege over it as long as it is hidden. Only for who is alone in a new user
 * namespace: nobody else in it could trace it, and nobody outside but the user, whose container it is (ptrace(2), "access mode").
 */
export function showToUser(b: PlanBuilder): void {
  b.step('prctl', [flags('PR_SET_DUMPABLE'), 1, 0, 0, 0], "let the user's parent take the listener of the filter");
}

/**
 * A new and nameless session keyring (keyctl_join_session_keyring(3)): keyrings have no namespace, and a name could be one
 * that somebody else has made. Where keys do not exist or are switched off, there is nothing to hide.
 */
export function ownKeyring(b: PlanBuilder): void {
  b.step('keyctl', [flags('KEYCTL_JOIN_SESSION_KEYRING'), 0], "leave the caller's keys behind", {
    tolerate: ['ENOSYS', 'EPERM'],
    hint: 'the user has as many keys as kernel.keys.maxkeys allows; `--no-new-keyring` goes without',
  });
}

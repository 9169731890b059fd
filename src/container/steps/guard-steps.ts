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
 * A new and nameless session keyring (keyctl_join_session_keyring(3)): keyrings have no namespace, and a name could be one
 * that somebody else has made. Where keys do not exist or are switched off, there is nothing to hide.
 */
export function ownKeyring(b: PlanBuilder): void {
  b.step('keyctl', [flags('KEYCTL_JOIN_SESSION_KEYRING'), 0], "leave the caller's keys behind", {
    tolerate: ['ENOSYS', 'EPERM'],
    hint: 'the user has as many keys as kernel.keys.maxkeys allows; `--no-new-keyring` goes without',
  });
}

/** Filters for the tests. Their call is getpgid(2): runtimes do without it, and its argument can be any number. */
import type { Change } from './config.js';

/** EPERM and EXDEV are what getpgid(2) by itself never says. */
export const EXDEV = 18;
export const RULE = { names: ['getpgid'], action: 'SCMP_ACT_ERRNO' };

/** All calls pass but those of the rules. */
export function filter(syscalls: object[], more: object = {}): Change {
  return { 'linux.seccomp': { defaultAction: 'SCMP_ACT_ALLOW', syscalls, ...more } };
}

/**
 * Which processes of the machine are this test run's. Somebody else may use vlab at the same time, and an orphan no longer
 * shows where it came from; but every process has its parent's core dump filter (core(5)), through fork and exec and in
 * namespaces. No test cares for what that filter means, so one value is a mark.
 */
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../src/base/errors.js';

/** Marks this process, and all that it will start. Where the kernel has no such filter, all processes count as own ones. */
export function markOwnProcesses(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', `0x${randomInt(0x40, 0x200).toString(16)}`); // above the usual 0x33
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

export function isOwn(pid: number): boolean {
  return filterOf(pid) === filterOf('self');
}

function filterOf(pid: number | 'self'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/coredump_filter`, 'utf8');
  } catch {
    return undefined; // gone meanwhile, or there is no such filter
  }
}

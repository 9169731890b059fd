import { readlinkSync } from 'node:fs';

/**
 * Whether a process still is vlab-init, and not yet the program that its plan runs: vlab-front runs vlab-init from a memory
 * file, whose link says so (memfd_create(2)). Throws as readlink does.
 */
export function isPerformer(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/exe`) === '/memfd:vlab-init (deleted)';
}

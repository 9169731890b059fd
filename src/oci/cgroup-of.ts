/** Whether a container is paused, by the freezer of its cgroup. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { directoryOf } from '../container/cgroup/cgroup.js';
import type { ContainerRecord } from './state.js';

export function isPaused({ cgroup }: ContainerRecord): boolean {
  const freezer = directoryOf(cgroup, 'freezer');
  if (freezer?.version !== 1) return false;
  try {
    return readFileSync(join(freezer.path, 'freezer.state'), 'utf8').trim() !== 'THAWED';
  } catch {
    return false;
  }
}

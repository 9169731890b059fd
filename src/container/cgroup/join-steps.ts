/** How a process gets into a cgroup, as steps: by itself in version 1, by its clone in version 2. Pure. */
import { join } from 'node:path';
import type { PlanBuilder, StepOptions, Word } from '../../sys/plan.js';
import { OWN_THREAD } from './cgroup.js';
import { HERE, READ, WRITE } from './write-steps.js';

/** In the parent: the file of a directory of version 1 by which the child joins. `tasks`: the word that it is held by. */
export function openThreads(
  b: PlanBuilder,
  directory: string,
  tasks: Word,
  why: string,
  options: StepOptions = {},
): Word {
  b.step('openat', [HERE, b.str(join(directory, OWN_THREAD)), WRITE], why, { result: tasks, ...options });
  return tasks;
}

/** In the child, of which there is one thread. */
export function joinCgroups(b: PlanBuilder, opened: readonly Word[]): void {
  for (const tasks of opened) b.step('write', [tasks, b.str('0'), 1], 'join the cgroup (0 is "myself")');
}

/** In the parent, before the clone: the directory of version 2 that the child is born into. `into`: `Cloned.cgroup`. */
export function holdCgroup(
  b: PlanBuilder,
  directory: string,
  into: Word,
  why: string,
  options: StepOptions = {},
): void {
  b.step('openat', [HERE, b.str(directory), READ], why, { result: into, ...options });
}

/** The cgroup of a container, as far as verbs ask it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { membersOf, subdirectories } from '../sys/remove-cgroup.js';
import type { ContainerRecord } from './state.js';

export function isPaused(record: ContainerRecord): boolean {
  return record.cgroups.some((directory) => {
    try {
      return readFileSync(join(directory, 'freezer.state'), 'utf8').trim() !== 'THAWED';
    } catch {
      return false;
    }
  });
}

export async function processesOf(record: ContainerRecord): Promise<number[]> {
  const below = (directory: string): number[] => [...membersOf(directory), ...subdirectories(directory).flatMap(below)];
  const [first] = record.cgroups;
  return first === undefined ? (record.init ? [record.init.pid] : []) : below(first);
}

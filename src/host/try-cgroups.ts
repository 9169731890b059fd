import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../base/errors.js';
import type { Attempt } from './attempt.js';
import type { CgroupHierarchy, CgroupLayout } from './cgroup-layout.js';

/** The controllers behind vlab's limits, and a limit to write: a file and a value for v1 and for v2. */
export const LIMIT_CONTROLLERS = {
  memory: { 1: ['memory.limit_in_bytes', '67108864'], 2: ['memory.max', '67108864'] },
  cpu: { 1: ['cpu.cfs_quota_us', '50000'], 2: ['cpu.max', '50000 100000'] },
  pids: { 1: ['pids.max', '64'], 2: ['pids.max', '64'] },
} as const;

export type LimitController = keyof typeof LIMIT_CONTROLLERS;

/** Makes a cgroup of vlab's own, writes a limit into it and removes it again. */
export function tryController(name: LimitController, layout: CgroupLayout): Attempt {
  const hierarchy = layout.controllers[name];
  if (!hierarchy) return { works: false, detail: 'this kernel offers no such controller, or it is not mounted' };
  const [file, value] = LIMIT_CONTROLLERS[name][hierarchy.version];
  const folder = join(parentFor(hierarchy), `vlab-doctor-${process.pid}`);
  try {
    mkdirSync(folder);
  } catch (error) {
    return { works: false, detail: `${folder}: ${errnoOf(error) ?? messageOf(error)}` };
  }
  try {
    if (hierarchy.version === 2 && !enabledIn(folder, name)) {
      return { works: false, detail: `not enabled in ${join(parentFor(hierarchy), 'cgroup.subtree_control')}` };
    }
    writeFileSync(join(folder, file), value);
    return { works: true, detail: `v${hierarchy.version} at ${hierarchy.mountPoint}` };
  } catch (error) {
    return { works: false, detail: `${file}: ${errnoOf(error) ?? messageOf(error)}` };
  } finally {
    rmdirSync(folder);
  }
}

/** Root works from the top of the hierarchy; anybody else only below the cgroup that was delegated to them. */
function parentFor(hierarchy: CgroupHierarchy): string {
  return process.getuid?.() === 0 ? hierarchy.mountPoint : (hierarchy.ownDirectory ?? hierarchy.mountPoint);
}

function enabledIn(folder: string, controller: string): boolean {
  return readFileSync(join(folder, 'cgroup.controllers'), 'utf8').split(/\s+/).includes(controller);
}

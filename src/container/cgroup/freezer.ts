/**
 * Pause and resume: all processes of a container stop at once and go on where they were (kernel
 * Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst; cgroup-v2.rst, cgroup.freeze).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../../base/errors.js';
import { type Cgroup, type CgroupDirectory, directoryOf, unifiedOf } from './cgroup.js';
import { keyed, readControl, writeControl } from './control-file.js';

const DEADLINE_MS = 10_000;
/** So long a version 1 freezer may be under way before it is let go and asked anew. */
const ATTEMPT_MS = 200;

/** Where it is frozen: by the controller of version 1, or by version 2, which needs none. */
function freezerOf(cgroup: Cgroup): CgroupDirectory {
  const found = directoryOf(cgroup, 'freezer') ?? unifiedOf(cgroup);
  if (!found) {
    throw new VlabError('host', 'the container has no cgroup that can be frozen', {
      hint: 'this needs version 2 of cgroups, or the freezer controller of version 1',
    });
  }
  return found;
}

export function isPaused(cgroup: Cgroup): boolean {
  const freezer = directoryOf(cgroup, 'freezer') ?? unifiedOf(cgroup);
  if (!freezer) return false;
  if (freezer.version === 2) return readControl(freezer, 'cgroup.freeze') === '1';
  return ['FROZEN', 'FREEZING'].includes(readControl(freezer, 'freezer.state') ?? '');
}

/** Resolves when nothing of it runs any more. Error (`operation`): it does not stop within 10 s; it goes on then. */
export async function pause(cgroup: Cgroup): Promise<void> {
  const freezer = freezerOf(cgroup);
  const frozen = freezer.version === 1 ? await freezeV1(freezer) : await freezeV2(freezer);
  if (frozen) return;
  thaw(freezer);
  throw new VlabError('operation', 'the container could not be paused within 10 s', {
    hint: 'one of its processes waits in the kernel (state D in ps): find out for what, and try again',
  });
}

export async function resume(cgroup: Cgroup): Promise<void> {
  thaw(freezerOf(cgroup));
}

/** Lets those end that were killed, for who is frozen cannot. Where none was frozen they have ended, and the cgroup may be gone. */
export async function resumeKilled(cgroup: Cgroup): Promise<void> {
  try {
    if (isPaused(cgroup)) await resume(cgroup);
  } catch (error) {
    if (!['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')) throw error;
  }
}

function thaw(freezer: CgroupDirectory): void {
  if (freezer.version === 2) writeControl(freezer, 'cgroup.freeze', '0');
  else writeControl(freezer, 'freezer.state', 'THAWED');
}

/**
 * A process that forks or is traced at the wrong moment can keep the whole cgroup in FREEZING. Writing FROZEN again makes the
 * kernel try again; letting go in between lets such a process get over that moment.
 */
async function freezeV1(freezer: CgroupDirectory): Promise<boolean> {
  const began = Date.now();
  for (let attempt = began; Date.now() - began < DEADLINE_MS; await sleep(1)) {
    if (Date.now() - attempt > ATTEMPT_MS) {
      writeControl(freezer, 'freezer.state', 'THAWED');
      attempt = Date.now();
      await sleep(10);
    }
    writeControl(freezer, 'freezer.state', 'FROZEN');
    if (readControl(freezer, 'freezer.state') === 'FROZEN') return true;
  }
  return false;
}

async function freezeV2(freezer: CgroupDirectory): Promise<boolean> {
  writeControl(freezer, 'cgroup.freeze', '1');
  for (const began = Date.now(); Date.now() - began < DEADLINE_MS; await sleep(1)) {
    if (keyed(readControl(freezer, 'cgroup.events') ?? '').get('frozen') === 1n) return true;
  }
  return false;
}

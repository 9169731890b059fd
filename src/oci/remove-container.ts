/** The end of a container: processes, cgroups, its directory, and the hooks that come after it (runtime.md, "Delete"). */

import { rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../base/errors.js';
import type { Cgroup } from '../container/cgroup/cgroup.js';
import type { OciConfig } from '../container/config/schema.js';
import { hasEnded, type Process } from '../sys/owners.js';
import { removeCgroup } from '../sys/remove-cgroup.js';
import { signalIfThere } from '../sys/signal.js';
import { runHooksAll } from './hooks.js';
import { type Container, type ContainerRecord, ociState } from './state.js';

const DEADLINE_MS = 10_000;

/** `force`: what still runs is killed first. Returns what poststop hooks complained of. */
export async function removeContainer(
  container: Container,
  record: ContainerRecord,
  { config, force = false }: { config: OciConfig | undefined; force?: boolean },
): Promise<string[]> {
  const { init } = record;
  if (init && force && !hasEnded(init)) {
    signalIfThere(init.pid, 'SIGKILL');
    await untilEnded(init);
  }
  await removeMade(record.cgroup);
  container.remove();
  return config ? runHooksAll(config, 'poststop', ociState(record, 'stopped')) : [];
}

/** What was made for it; directories above its own only when nobody else is in them. */
async function removeMade({ directories, made }: Cgroup): Promise<void> {
  const own = new Set(directories.map(({ path }) => path));
  for (const path of made) {
    if (own.has(path)) await removeCgroup(path);
    else removeIfEmpty(path);
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error;
  }
}

async function untilEnded(init: Process): Promise<void> {
  for (const began = Date.now(); !hasEnded(init); await sleep(1)) {
    if (Date.now() - began > DEADLINE_MS) {
      throw new VlabError('operation', `process ${init.pid} does not end`, {
        hint: `look at /proc/${init.pid}/wchan for what it waits for`,
      });
    }
  }
}

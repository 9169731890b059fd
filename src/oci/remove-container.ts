/** The end of a container: processes, cgroups, its directory, and the hooks that come after it (runtime.md, "Delete"). */

import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../base/errors.js';
import { isPaused, resume } from '../container/cgroup/freezer.js';
import { removeContainerCgroup } from '../container/cgroup/remove.js';
import type { OciConfig } from '../container/config/schema.js';
import { hasEnded, type Process } from '../sys/owners.js';
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
    if (isPaused(record.cgroup)) await resume(record.cgroup); // who is frozen cannot end
    await untilEnded(init);
  }
  await removeContainerCgroup(record.cgroup);
  container.remove();
  return config ? runHooksAll(config, 'poststop', ociState(record, 'stopped')) : [];
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

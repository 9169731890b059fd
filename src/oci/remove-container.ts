/** The end of a container: processes, cgroups, its directory, and the hooks that come after it (runtime.md, "Delete"). */
import { rmdirSync } from 'node:fs';
import { errnoOf, VlabError } from '../base/errors.js';
import { resumeKilled } from '../container/cgroup/freezer.js';
import { removeContainerCgroup } from '../container/cgroup/remove.js';
import type { OciConfig } from '../container/config/schema.js';
import { unmountInherited } from '../container/inherited-mounts.js';
import { hasEnded, type Process } from '../sys/owners.js';
import { signalIfThere } from '../sys/signal.js';
import { untilEnded } from '../sys/until-ended.js';
import { BrokenError } from './container-errors.js';
import { runHooksAll } from './hooks.js';
import { findContainer, lockedContainer } from './locked-container.js';
import { type Container, type ContainerRecord, ociState, type Status } from './state.js';

export interface Removal {
  /** What still runs is killed first. */
  force: boolean;
  /** Ends hooks that take too long for who waits. */
  until: AbortSignal;
  /** Its configuration, for who has it; otherwise it is read. */
  config?: OciConfig;
}

/**
 * `delete`, while no other command works on the container. Errors (`operation`): there is none; without `force`, it has not
 * stopped.
 */
export async function deleteContainer(container: Container, removal: Removal): Promise<{ warnings: string[] }> {
  const { record: beforehand, status } = findContainer(container);
  mustBeRemovable(container, status, removal);
  // Its creation gives up then, whatever it waits for.
  if (status === 'creating') await stopContainer(beforehand);
  return lockedContainer(container, async ({ record, status }) => {
    mustBeRemovable(container, status, removal);
    const config = removal.config ?? configOf(container);
    return { warnings: await removeContainer(container, record, { ...removal, config }) };
  });
}

function mustBeRemovable({ id }: Container, status: Status, { force }: Removal): void {
  if (status === 'stopped' || force) return;
  throw new VlabError('operation', `cannot delete container ${id} that is not stopped: ${status}`, {
    hint: 'kill it first, or use --force',
  });
}

/** What somebody else has changed: as much as can still be known of it. */
export async function removeBroken(container: Container, removal: Removal): Promise<string[]> {
  try {
    return await removeContainer(container, container.read(), { ...removal, config: configOf(container) });
  } catch (error) {
    if (!(error instanceof BrokenError)) throw error;
    container.remove();
    return [];
  }
}

/** Its poststop hooks are lost with it when it cannot be read; everything else can go all the same. */
function configOf(container: Container): OciConfig | undefined {
  try {
    return container.config();
  } catch (error) {
    if (error instanceof VlabError || errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** For who has its lock, or made it. Returns what poststop hooks complained of. */
export async function removeContainer(
  container: Container,
  record: ContainerRecord,
  { config, force, until }: Omit<Removal, 'config'> & { config: OciConfig | undefined },
): Promise<string[]> {
  const { performer, creator } = record;
  // What it began when its creator was killed would come after what is removed here.
  if (hasEnded(creator)) await end(performer);
  if (force) await stopContainer(record);
  await removeContainerCgroup(record.cgroup);
  for (const directory of record.resctrl ?? []) removeIfThere(directory);
  if (config) await unmountInherited(config, record.rootfs);
  container.remove();
  return config ? runHooksAll(config, 'poststop', ociState(record, 'stopped'), until) : [];
}

/** Ends its first process, and so all of them where they have a pid namespace of their own. */
export async function stopContainer({ init, cgroup }: ContainerRecord): Promise<void> {
  if (!init || hasEnded(init)) return;
  signalIfThere(init.pid, 'SIGKILL');
  await resumeKilled(cgroup);
  await untilEnded(init);
}

function removeIfThere(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

async function end(one: Process): Promise<void> {
  if (hasEnded(one)) return;
  signalIfThere(one.pid, 'SIGKILL');
  await untilEnded(one);
}

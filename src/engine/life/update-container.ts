/** Other limits and another restart policy for a container that is there: at once where it runs, and at each further start. */

import { availableParallelism } from 'node:os';
import { VlabError } from '../../base/errors.js';
import { updateResources } from '../../container/cgroup/update.js';
import { checkResources } from '../define/check-resources.js';
import type { ContainerResources, RestartPolicy } from '../define/definition-parts.js';
import { limitFacts } from '../define/limit-facts.js';
import { emitContainer } from '../events/container-event.js';
import { ensureKeeper } from '../keeper/ensure-keeper.js';
import type { ContainerState } from '../record/container-state.js';
import { isRunning } from '../record/container-status.js';
import { type ContainerRecord, withContainer, writeState } from '../record/records.js';
import { ociResourcesOf } from '../spec/resources.js';
import { needsKeeper } from './start-container.js';

/** Only what is to change. */
export interface ContainerUpdate {
  resources: ContainerResources;
  restart?: RestartPolicy;
}

/**
 * What the kernel refuses changes nothing, and is told. Returns which limits this machine cannot set. Errors: `input` for limits
 * that contradict each other, those of updateResources.
 */
export async function updateContainer(id: string, update: ContainerUpdate): Promise<string[]> {
  const done = await withContainer(id, async (record) => {
    const { definition, state } = record;
    const { restart } = update;
    if (restart && restart.name !== 'no' && definition.autoRemove) {
      throw new VlabError('input', 'Restart policy cannot be updated because AutoRemove is enabled for the container');
    }
    const before = state.updated.resources ?? definition.resources;
    const resources = merged(before, update.resources);
    checkResources(resources, availableParallelism());
    const warnings = isRunning(state) ? await apply(record, before, update.resources) : [];
    const { restartAt: _, ...unplanned } = state;
    const kept: ContainerState = restart?.name === 'no' ? unplanned : state;
    const next: ContainerState = { ...kept, updated: { ...state.updated, resources, ...(restart ? { restart } : {}) } };
    writeState(id, next);
    emitContainer({ ...record, state: next }, 'update');
    return { warnings, keeper: isRunning(next) && needsKeeper(definition, next) };
  });
  if (done.keeper) await ensureKeeper();
  return done.warnings;
}

/** CPU time is said in one of two ways: the one that comes later takes the other's place. */
function merged(before: ContainerResources, wanted: ContainerResources): ContainerResources {
  const { nanoCpus, cpuPeriodUs, cpuQuotaUs, ...rest } = before;
  const time = {
    ...(cpuPeriodUs === undefined ? {} : { cpuPeriodUs }),
    ...(cpuQuotaUs === undefined ? {} : { cpuQuotaUs }),
  };
  if (wanted.nanoCpus !== undefined) return { ...rest, ...wanted };
  if (wanted.cpuPeriodUs !== undefined || wanted.cpuQuotaUs !== undefined) return { ...rest, ...time, ...wanted };
  return { ...rest, ...time, ...(nanoCpus === undefined ? {} : { nanoCpus }), ...wanted };
}

async function apply(
  { state }: ContainerRecord,
  before: ContainerResources,
  wanted: ContainerResources,
): Promise<string[]> {
  const { cgroup } = state;
  if (!cgroup) return [];
  const facts = limitFacts({ ...before, ...wanted });
  const { resources, warnings } = ociResourcesOf(wanted, facts);
  await updateResources(cgroup, ociResourcesOf(before, facts).resources, resources);
  return warnings;
}

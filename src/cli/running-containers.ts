/** The containers that `vlab run --detach` left running, by the first letters of their ids. */
import { VlabError } from '../base/errors.js';
import { listOwners, type OwnerRecord } from '../sys/owners.js';

export interface RunningContainer extends Pick<OwnerRecord, 'id' | 'cgroups'> {
  pid: number;
  command: string[];
  startedAt: string;
}

export function runningContainers(): RunningContainer[] {
  return listOwners().flatMap(({ id, cgroups, container, alive }) =>
    container && alive ? [{ id, cgroups, ...container }] : [],
  );
}

/** Error (`input`): none fits, or more than one. */
export function oneRunning(prefix: string): RunningContainer {
  const fitting = runningContainers().filter(({ id }) => id.startsWith(prefix));
  if (fitting.length === 1 && fitting[0]) return fitting[0];
  throw new VlabError('input', `${fitting.length === 0 ? 'no container' : 'more than one container'} fits ${prefix}`, {
    hint: 'vlab ps lists them',
  });
}

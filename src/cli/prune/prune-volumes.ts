import { emitEvent } from '../../engine/events/event-log.js';
import { bytesBelow } from '../../engine/files/layer-sizes.js';
import { containersUsing, usersOfVolumes } from '../../engine/record/volume-users.js';
import { listVolumes, removeVolume } from '../../storage/volumes.js';
import { labelRule, matches, noLabelRule, parseFilters } from '../format/filter.js';
import type { Prune } from './pruned.js';

/** The anonymous ones that no container has; with `all`, those with a name too. Error (`input`): a filter that is none. */
export function volumePrune(filter: readonly string[], all: boolean): Prune {
  const labelsOf = ({ labels }: { labels: Readonly<Record<string, string>> }) => labels;
  const rules = { label: labelRule(labelsOf), 'label!': noLabelRule(labelsOf) };
  const filters = parseFilters(filter, rules);
  return async () => {
    const users = usersOfVolumes();
    const lines: string[] = [];
    let bytes = 0;
    for (const volume of await listVolumes()) {
      const { name, anonymous, mountpoint, options } = volume;
      if (users.has(name) || !(anonymous || all) || !matches(volume, filters, rules)) continue;
      if (options.device === undefined) bytes += await bytesBelow(mountpoint);
      await removeVolume(name, containersUsing);
      emitEvent('volume', 'destroy', name, { driver: 'local' });
      lines.push(name);
    }
    return { heading: 'Deleted Volumes:', lines, bytes };
  };
}

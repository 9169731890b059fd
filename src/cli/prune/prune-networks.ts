import { emitEvent } from '../../engine/events/event-log.js';
import { containerIds, readState } from '../../engine/record/records.js';
import { pruneNetworks } from '../../network/networks.js';
import { matches, parseFilters } from '../format/filter.js';
import { type Prune, rulesNow } from './pruned.js';

/** All that people made and no container is on. Error (`input`): a filter that is none. */
export function networkPrune(filter: readonly string[]): Prune {
  const rules = rulesNow();
  const filters = parseFilters(filter, rules);
  return async () => {
    // Those that only stopped containers are on are used as well.
    const used = new Set(
      containerIds().flatMap((id) => readState(id)?.attachments.map(({ network }) => network) ?? []),
    );
    const removed = await pruneNetworks(
      ({ id, name, labels, createdAt }) =>
        !used.has(name) && !used.has(id) && matches({ labels, createdAtMs: Date.parse(createdAt) }, filters, rules),
    );
    for (const { id, name, driver } of removed) emitEvent('network', 'destroy', id, { name, type: driver });
    return { heading: 'Deleted Networks:', lines: removed.map(({ name }) => name), bytes: 0 };
  };
}

import { pruneContainers } from '../../engine/life/prune-containers.js';
import { matches, parseFilters } from '../format/filter.js';
import { type Prune, rulesNow } from './pruned.js';

/** All that do not run. Error (`input`): a filter that is none. */
export function containerPrune(filter: readonly string[]): Prune {
  const rules = rulesNow();
  const filters = parseFilters(filter, rules);
  return async () => {
    const { ids, bytes } = await pruneContainers(({ definition: { labels, createdAt } }) =>
      matches({ labels, createdAtMs: Date.parse(createdAt) }, filters, rules),
    );
    return { heading: 'Deleted Containers:', lines: ids, bytes };
  };
}

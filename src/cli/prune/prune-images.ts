import { imageUsers } from '../../engine/record/image-users.js';
import { pruneImages } from '../../image/remove-image.js';
import { openImageStore } from '../../image/store/image-store.js';
import { matches, parseFilters } from '../format/filter.js';
import { collect } from '../image/collect.js';
import { factsOf } from '../image/image-rows.js';
import { removedLines, tellRemoved } from '../image/removed-lines.js';
import { type Prune, rulesNow } from './pruned.js';

/**
 * Those without a name; with `all`, those with one too, where no container was made from them; and what is left of interrupted
 * transfers. Error (`input`): a filter that is none.
 */
export function imagePrune(filter: readonly string[], all: boolean): Prune {
  const rules = rulesNow<ReturnType<typeof factsOf>>();
  const filters = parseFilters(filter, rules);
  return async () => {
    const store = await openImageStore();
    const users = imageUsers();
    const removed = await pruneImages(store, {
      all,
      filter: (image) => matches(factsOf(image), filters, rules),
      usersOf: (id) => users.get(id) ?? [],
    });
    tellRemoved(removed);
    const bytes = await collect(store, { partial: true });
    return { heading: 'Deleted Images:', lines: removedLines(removed).map((line) => line.toLowerCase()), bytes };
  };
}

import { emitEvent } from '../../engine/events/event-log.js';
import type { Removed } from '../../image/remove-image.js';

/** As docker says it. */
export function removedLines(removed: readonly Removed[]): string[] {
  return removed.map((one) => (one.kind === 'untagged' ? `Untagged: ${one.name}` : `Deleted: ${one.digest}`));
}

export function tellRemoved(removed: readonly Removed[]): void {
  for (const one of removed) {
    if (one.kind === 'untagged') emitEvent('image', 'untag', one.name, { name: one.name });
  }
  const [image] = removed.filter((one) => one.kind === 'deleted');
  if (image) emitEvent('image', 'delete', image.digest, { name: image.digest });
}

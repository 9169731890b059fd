/** The same image from more than one place, and more than one blob at a time. */
import { messageOf, VlabError } from '../../base/errors.js';
import type { Repository } from './repository.js';

/**
 * Does `work` with the first of `sources` that can: mirrors in their order, the registry itself last. Error: that of the last,
 * with what the others said; `signal`'s reason, at once.
 */
export async function fromFirst<T>(
  sources: readonly Repository[],
  work: (source: Repository) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const before: string[] = [];
  for (const [index, source] of sources.entries()) {
    try {
      return await work(source);
    } catch (error) {
      signal?.throwIfAborted();
      if (index < sources.length - 1) {
        before.push(`${source.endpoint.host}: ${messageOf(error)}`);
        continue;
      }
      if (error instanceof Error && before.length > 0) error.message += ` (and before, ${before.join('; ')})`;
      throw error;
    }
  }
  throw new VlabError('input', 'there is no registry to ask');
}

/**
 * Runs `work` on all `items`, `most` of them at a time, in their order. After the first failure nothing more is begun, what runs
 * is told by the signal that it gets, and is waited for; then the failure is thrown.
 */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const both = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const waiting = items.values();
  const first: { error: unknown }[] = [];
  const worker = async () => {
    for (const item of waiting) {
      if (both.aborted) return;
      try {
        await work(item, both);
      } catch (error) {
        first.push({ error });
        failed.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(most, items.length)) }, worker));
  signal?.throwIfAborted();
  if (first[0]) throw first[0].error;
}

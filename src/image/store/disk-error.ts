/** What a disk that is full says, in words. */
import { errnoOf, VlabError } from '../../base/errors.js';

const FULL = new Set(['ENOSPC', 'EDQUOT']);

export function isDiskFull(error: unknown): boolean {
  return FULL.has(errnoOf(error) ?? '');
}

/** Runs `work`. Error (`host`): there is no room on the disk where `folder` is, which is said plainly; others as they are. */
export async function onDisk<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const why = errnoOf(error) === 'EDQUOT' ? 'the quota is used up' : 'no space left on the disk';
    throw new VlabError('host', `${why} at ${folder}`, {
      cause: error,
      hint: 'make room there (vlab image prune removes what nothing needs), and try again',
    });
  }
}

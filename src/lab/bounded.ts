import { VlabError } from '../base/errors.js';

/** A driver that does not answer for so long after it was cancelled is given up: the run must go on, or end. */
export const GRACE_MS = 1200;

/** Thrown when a cancelled driver has not come back. */
export class DriverStuck extends VlabError {
  override readonly name = 'DriverStuck';
  constructor(what: string, graceMs: number) {
    super('operation', `${what} did not stop within ${graceMs} ms of being cancelled`);
  }
}

/**
 * Waits for `work`. Once `signal` is aborted, waits only `graceMs` more (work that obeys the signal ends by itself) and
 * then throws DriverStuck. Sets no timer before that.
 */
export async function bounded<T>(work: Promise<T>, signal: AbortSignal, what: string, graceMs = GRACE_MS): Promise<T> {
  let onAbort = (): void => {};
  let timer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(new DriverStuck(what, graceMs)), graceMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, givenUp]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

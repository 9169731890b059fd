/** How long to wait before something is asked again, and what is worth asking again. */

export interface RetryRule {
  /** How often one thing is asked at most, with the first time. */
  attempts: number;
  /** The wait before the second attempt; each further one is twice as long. */
  firstMs: number;
  /** No wait is longer, whatever the server asks for. */
  mostMs: number;
}

export const DEFAULT_RETRY: RetryRule = { attempts: 5, firstMs: 500, mostMs: 30_000 };

/** Too early, too many, and what a server says while it is broken or restarts (RFC 9110 section 15, RFC 6585). */
const WORTH_ASKING_AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);

export function isWorthAskingAgain(status: number): boolean {
  return WORTH_ASKING_AGAIN.has(status);
}

/**
 * Milliseconds before the attempt that follows number `attempt` (from 1). Half of it is left to chance, so that those who were
 * sent away together do not return together. `retryAfter` is that header: seconds or a date (RFC 9110 section 10.2.3).
 */
export function waitMs(
  rule: RetryRule,
  attempt: number,
  retryAfter: string | null = null,
  random: () => number = Math.random,
  nowMs: number = Date.now(),
): number {
  const asked = retryAfterMs(retryAfter, nowMs);
  if (asked !== undefined) return Math.min(asked, rule.mostMs);
  const whole = Math.min(rule.firstMs * 2 ** (attempt - 1), rule.mostMs);
  return whole / 2 + (whole / 2) * random();
}

function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** What `--since` and `--until` take (moby's GetTimestamp): a point in time or a duration before now. Pure. */
import { VlabError } from '../../base/errors.js';

const NANOS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Go's time.ParseDuration (`1h30m`, `-1.5s`, `0`) in nanoseconds; undefined: it is none. */
export function parseDurationNs(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0;
  let total = 0;
  let at = 0;
  while (at < rest.length) {
    PART.lastIndex = at;
    const found = PART.exec(rest);
    if (!found) return undefined;
    total += Number(found[1]) * (NANOS[found[2] ?? ''] ?? 0);
    at = PART.lastIndex;
  }
  return rest === '' ? undefined : sign === '-' ? -total : total;
}

const DATE = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d{2}:\d{2})?$/;
const UNIX = /^(-?\d+)(?:\.(\d{1,9}))?$/;

/**
 * Nanoseconds since 1970: of RFC 3339 and its shorter forms (local time where no zone is named), of Unix seconds
 * (`1136073600.000000001`), or of a duration before `nowMs`. Error (`input`): it is none of them.
 */
export function parseMoment(text: string, nowMs: number): bigint {
  const unix = UNIX.exec(text);
  if (unix) {
    const nanos = BigInt((unix[2] ?? '').padEnd(9, '0'));
    const seconds = BigInt(unix[1] ?? 0) * 1_000_000_000n;
    return text.startsWith('-') ? seconds - nanos : seconds + nanos;
  }
  const duration = parseDurationNs(text);
  if (duration !== undefined) return BigInt(Math.round(nowMs)) * 1_000_000n - BigInt(Math.round(duration));
  const date = DATE.exec(text);
  if (date) {
    const [, day, hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = date;
    // Without a T, Date takes a day for UTC; with one it takes local time, as docker does for both.
    const ms = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
    if (!Number.isNaN(ms)) return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  }
  throw new VlabError('input', `${text} is no point in time`, {
    hint: 'write it as 2026-01-02T15:04:05Z, as Unix seconds, or as a duration before now: 10m, 1h30m',
  });
}

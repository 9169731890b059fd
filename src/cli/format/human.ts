/** Sizes and durations in docker's words (github.com/docker/go-units). Pure. */

const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** `1.23MB`: sizes of images, of layers, of what a network carried. */
export function decimalSize(bytes: number, digits = 3): string {
  return inUnits(bytes, 1000, DECIMAL, digits);
}

/** `1.235MiB`: memory. */
export function binarySize(bytes: number): string {
  return inUnits(bytes, 1024, BINARY, 4);
}

function inUnits(bytes: number, base: number, units: readonly string[], digits: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= base && unit < units.length - 1) {
    amount /= base;
    unit++;
  }
  return `${shortest(amount, digits)}${units[unit]}`;
}

/** Go's %.{digits}g: so many digits, without zeros at the end, with an exponent where the whole part has more digits. */
export function shortest(value: number, digits: number): string {
  const [mantissa = '', power = '0'] = value.toExponential(digits - 1).split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) {
    const sign = exponent < 0 ? '-' : '+';
    return `${withoutZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return withoutZeros(value.toFixed(Math.max(0, digits - 1 - exponent)));
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** `About a minute`, `3 hours`: as HumanDuration of go-units. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  const minutes = Math.trunc(durationMs / 60_000);
  const hours = Math.trunc(durationMs / 3_600_000 + 0.5);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(Math.trunc(durationMs / 3_600_000) / 24 / 365)} years`;
}

/** `3 hours ago`; docker's `N/A` for a moment that nobody noted. */
export function humanAge(moment: string | number | undefined, nowMs: number): string {
  const atMs = typeof moment === 'string' ? Date.parse(moment) : moment;
  if (atMs === undefined || Number.isNaN(atMs) || atMs <= 0) return 'N/A';
  return `${humanDuration(nowMs - atMs)} ago`;
}

/** `2026-01-02 15:04:05 +0000 UTC`: how docker prints CreatedAt, in the local time zone. */
export function localTimestamp(atMs: number): string {
  const at = new Date(atMs);
  const offsetMinutes = -at.getTimezoneOffset();
  const local = new Date(atMs + offsetMinutes * 60_000).toISOString();
  const clock = [Math.trunc(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join('');
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${offsetMinutes < 0 ? '-' : '+'}${clock} ${zoneName(at)}`;
}

function zoneName(at: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(at);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
}

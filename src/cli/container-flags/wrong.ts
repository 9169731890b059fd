/** What docker's command line says of a value that is none (github.com/spf13/pflag), and ends with. */
import { goDurationMs } from '../../base/go-duration.js';
import { ramBytes } from '../../base/ram-size.js';
import { refuse } from '../../engine/define/asked-error.js';

/** `flag`: `--memory`. */
export function wrongValue(flag: string, value: string, why: string, hint?: string) {
  return refuse(`invalid argument ${JSON.stringify(value)} for "${flag}" flag: ${why}`, hint);
}

/** Bytes. Error (`input`): it is no size. */
export function sizeOf(flag: string, text: string): number {
  const bytes = ramBytes(text);
  if (bytes === undefined) throw wrongValue(flag, text, `invalid size: '${text}'`, 'write it as 64m, 1g or 4096');
  return bytes;
}

/** Milliseconds. Error (`input`): it is no duration. */
export function durationOf(flag: string, text: string): number {
  const ms = goDurationMs(text);
  if (ms !== undefined) return ms;
  const why = /^[+-]?[\d.]+$/.test(text) ? 'missing unit in duration' : 'invalid duration';
  throw wrongValue(flag, text, `time: ${why} ${JSON.stringify(text)}`, 'write it as 500ms, 30s, 5m or 1h');
}

/** Error (`input`): it is no whole number, or less than `least`. */
export function integerOf(flag: string, text: string, least = Number.MIN_SAFE_INTEGER): number {
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw wrongValue(flag, text, Number.isNaN(number) ? 'it is no whole number' : `it is less than ${least}`);
}

/** `NAME=VALUE` entries as a record; a name alone has an empty value. Error (`input`): one has no name. */
export function recordOf(flag: string, entries: readonly string[], what: string): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [name, value] = splitOnce(entry, '=');
      if (name === '') throw wrongValue(flag, entry, `invalid ${what} '${entry}': empty name`);
      return [name, value ?? ''];
    }),
  );
}

/** What stands before the first `separator`, and behind it; undefined where there is none. */
export function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

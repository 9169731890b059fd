import { VlabError } from '../base/errors.js';

/** `NAME=VALUE` sets, `NAME` passes this process's own value on, as docker's -e does. */
export function environment(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.flatMap((entry) => {
      const at = entry.indexOf('=');
      if (at === 0 || entry === '') throw new VlabError('input', `--env ${entry} names no variable`);
      if (at > 0) return [[entry.slice(0, at), entry.slice(at + 1)]];
      const own = process.env[entry];
      return own === undefined ? [] : [[entry, own]];
    }),
  );
}

/** Times and sizes as people write them in scenario files and on the command line. */

const MS_PER_UNIT = { ms: 1, s: 1000, m: 60_000 } as const;
const BYTES_PER_UNIT = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** `10s`, `500ms`, `1.5m` → milliseconds; undefined when it is not a time. */
export function parseDuration(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (!found) return undefined;
  return Number(found[1]) * MS_PER_UNIT[found[2] as keyof typeof MS_PER_UNIT];
}

/** `64MiB` → bytes, rounded to a whole number; undefined when it is not a size. */
export function parseSize(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)$/.exec(text);
  if (!found) return undefined;
  return Math.round(Number(found[1]) * BYTES_PER_UNIT[found[2] as keyof typeof BYTES_PER_UNIT]);
}

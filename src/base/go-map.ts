/** What is a map, and no structure, in documents that are shown as docker's programs in Go show theirs. */

/** A Go map: a key that is not there is no mistake. Keys are sorted, as Go prints and encodes them. */
export function asMap<T>(entries: Readonly<Record<string, T>>): Record<string, T> {
  const map = Object.create(null) as Record<string, T>;
  for (const key of Object.keys(entries).sort(byCodePoint)) map[key] = entries[key] as T;
  return map;
}

/** Go's order of strings. */
export function byCodePoint(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

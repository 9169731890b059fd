/** What the prune commands have in common: they read their filters before they ask, and tell what they have removed. */
import type { FilterRules } from '../format/filter.js';
import { pruneRules } from '../format/filter-rules.js';
import { decimalSize } from '../format/human.js';
import { parseMoment } from '../format/moment.js';

export interface Pruned {
  /** `Deleted Containers:` */
  heading: string;
  /** Names and ids, as docker prints them. */
  lines: string[];
  bytes: number;
}

/** Filters are read; calling it removes. */
export type Prune = () => Promise<Pruned>;

/** Rules of until= and label=, as of now. */
export function rulesNow<
  T extends { labels: Readonly<Record<string, string>>; createdAtMs: number },
>(): FilterRules<T> {
  const nowMs = Date.now();
  return pruneRules<T>((text) => Number(parseMoment(text, nowMs) / 1_000_000n));
}

export function prunedText(parts: readonly Pruned[]): string {
  const lists = parts
    .filter(({ lines }) => lines.length > 0)
    .map(({ heading, lines }) => [heading, ...lines, '', ''].join('\n'));
  return lists.join('');
}

export function reclaimedText(parts: readonly Pruned[]): string {
  return `Total reclaimed space: ${decimalSize(parts.reduce((sum, { bytes }) => sum + bytes, 0))}`;
}

/** `--filter key=value`, parsed and matched as docker does it. Pure. */
import { VlabError } from '../../base/errors.js';

/** Values by key, in the order they were given. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** Whether `row` answers one wanted value. */
export type Match<Row> = (row: Row, wanted: string) => boolean;

export interface FilterRule<Row> {
  match: Match<Row>;
  /** `every`: all values of this key must hold, as docker has it for labels. */
  mode?: 'some' | 'every';
  /** What is wrong with a value, in words; undefined: nothing. */
  check?: (wanted: string) => string | undefined;
}

export type FilterRules<Row> = Readonly<Record<string, FilterRule<Row>>>;

/** Error (`input`): no `=`, an unknown key, or a value that a rule refuses. */
export function parseFilters<Row>(texts: readonly string[], rules: FilterRules<Row>): Filters {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const name = key.trim().toLowerCase();
    if (name === '') {
      throw new VlabError('input', `bad format of filter ${text} (expected name=value)`);
    }
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) {
      throw new VlabError('input', `invalid filter '${name}'`, {
        hint: `filters here are: ${Object.keys(rules).sort().join(', ')}`,
      });
    }
    const wrong = rule.check?.(value.trim());
    if (wrong !== undefined) throw new VlabError('input', `invalid filter '${name}=${value.trim()}': ${wrong}`);
    filters.set(name, [...(filters.get(name) ?? []), value.trim()]);
  }
  return filters;
}

/** True when `row` answers every key, and of each key one value (or all: see FilterRule). */
export function matches<Row>(row: Row, filters: Filters, rules: FilterRules<Row>): boolean {
  return [...filters].every(([key, values]) => {
    const rule = rules[key];
    if (!rule) return true;
    return rule.mode === 'every'
      ? values.every((value) => rule.match(row, value))
      : values.some((value) => rule.match(row, value));
  });
}

/** `label=key` and `label=key=value`. */
export function labelRule<Row>(labelsOf: (row: Row) => Readonly<Record<string, string>>): FilterRule<Row> {
  return {
    mode: 'every',
    match: (row, wanted) => {
      const labels = labelsOf(row);
      const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(wanted) ?? [];
      return Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);
    },
  };
}

/** `label!=…` of the prune commands. */
export function noLabelRule<Row>(labelsOf: (row: Row) => Readonly<Record<string, string>>): FilterRule<Row> {
  const rule = labelRule(labelsOf);
  return { mode: 'every', match: (row, wanted) => !rule.match(row, wanted) };
}

/** Docker's names are regular expressions that may begin anywhere; what is none is a plain part of the name. */
export function nameMatches(name: string, wanted: string): boolean {
  try {
    return new RegExp(wanted).test(name);
  } catch {
    return name.includes(wanted);
  }
}

/** For filters whose values are a closed list. */
export function oneOf(allowed: readonly string[]): (wanted: string) => string | undefined {
  return (wanted) => (allowed.includes(wanted) ? undefined : `it is one of ${allowed.join(', ')}`);
}

/** `true`, `1`, `false`, `0` as docker's flags take them. */
export function isTrue(wanted: string): boolean {
  return ['1', 't', 'true', 'T', 'TRUE', 'True'].includes(wanted);
}
export const TRUTH_VALUES = ['1', 't', 'T', 'true', 'TRUE', 'True', '0', 'f', 'F', 'false', 'FALSE', 'False'];

/**
 * Zod's issues in the words of a person who writes a scenario file. The schema says what the valid keys are; the issue
 * says where; this says what to do.
 */
import { z } from 'zod';
import { nearest } from '../base/nearest.js';

export type Path = readonly (string | number)[];

export interface Problem {
  path: Path;
  /** Point at the key (it should not be there) or at its value. */
  pointAt: 'key' | 'value';
  message: string;
}

type Issue = z.core.$ZodIssue;
interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
}

const NOUNS: Record<string, string> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
};

/** One problem or more for each issue, in the order of the issues. `prefix` is put before each path. */
export function problemsOf(issues: readonly Issue[], raw: unknown, schema: z.ZodType, prefix: Path = []): Problem[] {
  const json = (): JsonSchema => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return issues.flatMap((issue) => {
    const path = issue.path as Path;
    const problems = problemsOfOne(issue, path, raw, json);
    return problems.map((problem) => ({ ...problem, path: [...prefix, ...problem.path] }));
  });
}

function problemsOfOne(issue: Issue, path: Path, raw: unknown, json: () => JsonSchema): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(json(), path);
    return issue.keys.map((key) => ({ path: [...path, key], pointAt: 'key', message: unknownKey(key, known) }));
  }
  if (issue.code === 'invalid_key') {
    return [
      { path, pointAt: 'key', message: `\`${String(path.at(-1))}\` ${issue.issues[0]?.message ?? 'is no valid key'}` },
    ];
  }
  const value = valueAt(raw, path);
  if (value === undefined && path.length > 0) {
    return [{ path, pointAt: 'value', message: `key \`${keyText(path)}\` is missing` }];
  }
  return [
    {
      path,
      pointAt: 'value',
      message: `${path.length === 0 ? 'a scenario' : `\`${keyText(path)}\``} ${demand(issue, value)}`,
    },
  ];
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== undefined) return `unknown key \`${key}\`; did you mean \`${meant}\`?`;
  return `unknown key \`${key}\`; ${known.length === 0 ? 'no keys are known here' : `known here: ${known.join(', ')}`}`;
}

/** The second half of the sentence: what the value must be, and what it is. */
function demand(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = `must be ${NOUNS[issue.expected] ?? issue.expected}`;
      if (value === null) return `${wanted}, but is empty`;
      const quotes = issue.expected === 'string' && typeof value !== 'object' ? '; put it in quotes' : '';
      return `${wanted}, not ${show(value)}${quotes}`;
    }
    case 'invalid_value': {
      const allowed = issue.values.map(String);
      const meant = typeof value === 'string' ? nearest(value, allowed) : undefined;
      const choice = `must be one of ${allowed.join(', ')}, not ${show(value)}`;
      return meant === undefined ? choice : `${choice}; did you mean ${meant}?`;
    }
    case 'too_small':
      return bound(issue.origin, 'at least', Number(issue.minimum), value);
    case 'too_big':
      return bound(issue.origin, 'at most', Number(issue.maximum), value);
    case 'custom':
    case 'invalid_format':
      return `${issue.message}${typeof value === 'string' ? ` (it is ${show(value)})` : ''}`;
    default:
      return issue.message;
  }
}

function bound(origin: string, which: string, limit: number, value: unknown): string {
  if (origin === 'array') return `must have ${which} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  if (origin === 'string') return limit === 1 ? 'must not be empty' : `must be ${which} ${limit} characters long`;
  return `must be ${which} ${limit}, not ${show(value)}`;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** `arms[2].driver` */
export function keyText(path: Path): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${key}`)).join('');
}

export function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

function keysAt(json: JsonSchema, path: Path): string[] {
  let here: JsonSchema | undefined = json;
  for (const key of path) {
    const extra: JsonSchema | boolean | undefined = here?.additionalProperties;
    here =
      typeof key === 'number'
        ? here?.items
        : (here?.properties?.[key] ?? (typeof extra === 'object' ? extra : undefined));
  }
  return Object.keys(here?.properties ?? {});
}

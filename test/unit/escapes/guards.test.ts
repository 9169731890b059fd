// The table of escapes that are tried, and what it says: its guards are lines of plans, and its tests are there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ESCAPES, type EscapeId, escapeOf, FILES, titleOf } from '../../system/escapes/guards.js';
import { attackedPlans } from './attacked-plans.js';

const TESTS = join(import.meta.dirname, '../../system/escapes');
const ids = Object.keys(ESCAPES) as EscapeId[];

const reasonsFor = (id: EscapeId) =>
  attackedPlans(escapeOf(id).asks).flatMap(({ steps }) => steps.map(({ why }) => why));

describe('the table of escapes', () => {
  it.each(ids)('%s: its guards are lines of the plan', (id) => {
    const { guards, besides } = escapeOf(id);
    expect(guards.length > 0 || besides !== undefined).toBe(true);
    expect(reasonsFor(id)).toEqual(expect.arrayContaining([...guards]));
  });

  it.each(Object.entries(FILES))('%s.test.ts has a pair of tests for each', (name, table) => {
    const file = join(TESTS, `${name}.test.ts`);
    expect(existsSync(file), file).toBe(true);
    const text = readFileSync(file, 'utf8');
    const pairs = [...text.matchAll(/^pair\((['"])(.*?)\1,/gm)].map(([, , id]) => id);
    expect(pairs.sort()).toEqual(Object.keys(table).sort());
  });

  it('names no two alike', () => {
    expect(ids.length).toBe(Object.values(FILES).flatMap((table) => Object.keys(table)).length);
    expect(new Set(ids.map(titleOf)).size).toBe(ids.length);
  });
});

// The table of escapes that are tried, and what it says: its guards are lines of plans, and its tests are there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ESCAPES, type EscapeId, titleOf } from '../../system/escapes/guards.js';

const ROOT = join(import.meta.dirname, '../../..');
const PLANS = join(ROOT, 'test/unit/container/golden');
const TESTS = join(ROOT, 'test/system/escapes');

const reasons = new Set(
  readdirSync(PLANS).flatMap((name) =>
    [...readFileSync(join(PLANS, name), 'utf8').matchAll(/ # (.*?)(?: \[.*)?$/gm)].map(([, why]) => why),
  ),
);
const ids = Object.keys(ESCAPES) as EscapeId[];

describe('the table of escapes', () => {
  it.each(ids)('%s: its guards are lines of plans that are printed', (id) => {
    for (const guard of ESCAPES[id].guards) expect(reasons).toContain(guard);
  });

  it.each(ids)('%s: its file has its pair of tests', (id) => {
    const file = join(TESTS, `${ESCAPES[id].file}.test.ts`);
    expect(existsSync(file), file).toBe(true);
    expect(readFileSync(file, 'utf8').split(`pair('${id}',`).length, id).toBe(2);
  });

  it('has no two that are called the same', () => {
    expect(new Set(ids.map(titleOf)).size).toBe(ids.length);
  });
});

// docs/security.md quotes plans and names tests: all of them are there.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { forInit, usualCgroup } from '../../src/container/cgroup/planned-cgroup.js';
import { defaultConfig } from '../../src/container/config/default-config.js';
import { asSystem } from '../../src/container/config/system-config.js';
import { execPlan } from '../../src/container/exec-plan.js';
import { runPlan } from '../../src/container/run-plan.js';
import type { Plan } from '../../src/sys/plan.js';
import { FILES } from '../system/escapes/guards.js';
import { KERNEL_ATTACKS } from '../system/escapes/kernel-attacks.js';
import { type Change, changed, createdPlan } from './container/config-plan.js';
import { LIMITS, planFor, REQUEST, SITUATIONS } from './container/situations.js';
import { attackedPlans } from './escapes/attacked-plans.js';
import { quoted, REPOSITORY, rowsBelow } from './security-document.js';

const PLANS: Record<string, () => Plan> = {
  default: () => planFor(SITUATIONS.hybrid),
  limits: () => planFor(SITUATIONS.hybrid, LIMITS),
  v2: () => planFor(SITUATIONS.v2),
  rootless: () => planFor(SITUATIONS.rootless),
  terminal: () => planFor(SITUATIONS.hybrid, { terminal: true }),
  init: () => planFor(SITUATIONS.hybrid, { init: '/usr/bin/catatonit' }),
  system: () => {
    const config = asSystem(defaultConfig(REQUEST), '0'.repeat(32));
    return runPlan(config, SITUATIONS.hybrid, { cgroup: forInit(usualCgroup(config, SITUATIONS.hybrid)) }).plan;
  },
  'working directory': () => planFor(SITUATIONS.hybrid, { cwd: '/tmp' }),
  volumes: () => {
    const volume = { destination: '/data', type: 'bind', source: '/srv/data', options: ['rbind'] };
    return createdPlan(({ mounts }) => void mounts.push(volume)).plan;
  },
  exec: () => {
    const container = { pid: 4711, cgroups: [{ version: 1 as const, path: '/sys/fs/cgroup/memory/x' }] };
    return execPlan(
      changed(() => {}),
      SITUATIONS.hybrid,
      container,
      { preserved: [], ownedStdio: [] },
    );
  },
};

/** Those of the attacks that are named. */
const plansOfAttacks = (cell: string) =>
  testsIn(cell)
    .flatMap(({ titles }) => titles.flatMap((title) => ATTACKS.get(title)?.asks ?? []))
    .flatMap(attackedPlans);

/** Titles and the file that has them: "one" and "other" in test/….test.ts, or a file by itself. */
function testsIn(cell: string): { path: string; titles: string[] }[] {
  const tests: { path: string; titles: string[] }[] = [];
  let titles: string[] = [];
  for (const [, title, path] of cell.matchAll(/"([^"]+)"|(test\/[\w./-]+)/g)) {
    if (title !== undefined) titles.push(title);
    else if (path !== undefined) {
      tests.push({ path, titles });
      titles = [];
    }
  }
  if (titles.length > 0) throw new Error(`no file for ${titles.join(' and ')}`);
  return tests;
}

interface Attack {
  guards: readonly string[];
  /** In test/system/escapes. */
  file: string;
  asks?: Change;
}

/** Attacks that are tried on vlab and on flawed plans: their tests are named after them. */
const ATTACKS = new Map<string, Attack>(
  [...Object.entries(FILES), ['kernel-wide', KERNEL_ATTACKS] as const].flatMap(([file, table]) =>
    Object.entries<Omit<Attack, 'file'>>(table).map(([id, { guards, asks }]) => [
      id,
      { guards, file, ...(asks ? { asks } : {}) },
    ]),
  ),
);

const rows = rowsBelow('Guards');
const inPlans = rows.filter(({ length }) => length === 4);

describe('docs/security.md', () => {
  it('has guards, each with a test', () => {
    expect(inPlans.length).toBeGreaterThan(20);
    expect(rows.filter((cells) => testsIn(cells.at(-1) ?? '').length === 0)).toEqual([]);
  });

  it.each(inPlans)('%s: the guards are steps of the plans', (_, guards = '', names = '', tests = '') => {
    expect(quoted(guards).length).toBeGreaterThan(0);
    for (const name of names.split(', ')) {
      const plans = name === "the attack's" ? plansOfAttacks(tests) : [PLANS[name]?.()];
      const reasons = plans.flatMap((plan) => plan?.steps.map(({ why }) => why) ?? []);
      expect(reasons, name).toEqual(expect.arrayContaining(quoted(guards)));
    }
  });

  it.each(rows)('%s: the tests are there', (...cells) => {
    for (const { path, titles } of testsIn(cells.at(-1) ?? '')) {
      const file = resolve(REPOSITORY, path);
      expect(existsSync(file), path).toBe(true);
      const text = readFileSync(file, 'utf8');
      const isThere = (title: string) =>
        ['"', "'", '`'].some((mark) => text.includes(mark + title + mark)) ||
        path === `test/system/escapes/${ATTACKS.get(title)?.file}.test.ts`;
      expect(
        titles.filter((title) => !isThere(title)),
        path,
      ).toEqual([]);
    }
  });

  it.each(inPlans)(
    '%s: what the attacks that are named take out of a plan is in it',
    (_, guards = '', _plans, tests = '') => {
      const titles = testsIn(tests).flatMap((test) => test.titles);
      const taken = titles.flatMap((title) => ATTACKS.get(title)?.guards ?? []);
      expect(quoted(guards)).toEqual(expect.arrayContaining(taken));
    },
  );
});

it('docs/security.md names, below "Guards", every attack that is tried', () => {
  const named = new Set(rows.flatMap((cells) => testsIn(cells.at(-1) ?? '').flatMap(({ titles }) => titles)));
  expect([...ATTACKS.keys()].filter((id) => !named.has(id))).toEqual([]);
});

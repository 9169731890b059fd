/** What the tests in an outer container have in common: one for a file, in which nothing may be left after each of them. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { smallConfig, type Wish } from '../../fixtures/oci/configs.js';
import type { Machine } from '../../fixtures/oci/machine.js';
import type { Ran } from '../../fixtures/oci/run-command.js';
import { isRoot, needs } from '../../skips.js';
import { COLD, NATIVE, Outer, STATE_ROOT } from './outer.js';

export const WAYS = [
  ['resident', NATIVE],
  ['cold', COLD],
] as const;

export type More = Parameters<Outer['run']>[1] & { root?: string; runtime?: readonly string[] };

/** Ends by itself after a minute, and at any signal. */
export const LASTING: Wish = { args: ['/probe', 'trap'] };

let outer: Outer;

/** To be called once, at the top of a file. `setUp`: a script. */
export function useOuter(setUp = 'true'): void {
  let before: Machine;
  beforeEach((context) => needs(context, 'root', isRoot));
  beforeAll(async () => {
    if (!isRoot) return;
    outer = await Outer.start();
    await outer.sh(`mkdir -p ${STATE_ROOT}; ${setUp}`);
    before = await outer.machine();
    await outer.startPlanner();
  });
  afterAll(() => outer?.[Symbol.asyncDispose]());
  afterEach(async () => {
    if (!isRoot) return;
    const left = await outer.leftSince(before);
    // A test that failed is not to be blamed on the next one.
    const ids = `$(ls ${STATE_ROOT})`;
    await outer.sh(
      `for id in ${ids}; do ${NATIVE[0]} --root ${STATE_ROOT} delete --force $id; done; pkill -KILL -x sleep`,
    );
    expect(left).toEqual({});
  });
}

export const theOuter = (): Outer => outer;

export function sh(script: string, more: Parameters<Outer['sh']>[1] = {}): Promise<Ran> {
  return outer.sh(script, more);
}

/** A command of the runtime, which ends within ten seconds. */
export function oci(words: string[], { root = STATE_ROOT, runtime = NATIVE, ...more }: More = {}): Promise<Ran> {
  return outer.run([...runtime, '--root', root, ...words], { timeoutMs: 10_000, ...more });
}

/** The command as words of a shell. */
export function ociWords(words: string[], runtime: readonly string[] = NATIVE): string {
  return [...runtime, '--root', STATE_ROOT, ...words].join(' ');
}

/** A bundle of that wish, and its path. */
export function bundle(name: string, wish: Wish = {}): Promise<string> {
  return outer.bundle(name, smallConfig(wish));
}

/** It ended in time and said what was wrong, in words for people. */
export function expectTold(ran: Ran, ...words: (string | RegExp)[]): void {
  expect(ran.late, JSON.stringify(ran)).toBe(false);
  expect(ran.code).not.toBe(0);
  for (const word of words) expect(ran.stderr).toMatch(word);
  expect(ran.stderr).not.toMatch(/^\s+at /m);
}

export function expectDone(ran: Ran): void {
  expect({ code: ran.code, stderr: ran.stderr, late: ran.late }).toEqual({ code: 0, stderr: '', late: false });
}

/** Two tests of one attack: on vlab, which blocks it, and by the same words on a plan without the guard, where it works. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRoot, needs } from '../../skips.js';
import { Arena } from './arena.js';
import { type Flaw, without } from './flaw.js';
import { BLOCKED, ESCAPES, type EscapeId, titleOf, WORKS } from './guards.js';

/** An arena for a file's tests. */
export function ownArena(): () => Arena {
  let arena: Arena | undefined;
  beforeAll(async () => {
    if (isRoot) arena = await Arena.start();
  });
  beforeEach((context) => needs(context, 'root', isRoot));
  afterAll(() => arena?.[Symbol.asyncDispose]());
  return () => {
    if (!arena) throw new Error('there is no arena');
    return arena;
  };
}

export interface Pair {
  /** Attacks, and tells what it reached. Without a flaw the plan is vlab's own. */
  attack: (flaw?: Flaw) => Promise<string>;
  blocked: string | RegExp;
  works: string | RegExp;
  /** Default: the plan without the guards' lines. */
  flaw?: Flaw;
}

export function pair(id: EscapeId, { attack, blocked, works, flaw }: Pair): void {
  const { guards } = ESCAPES[id];
  describe(titleOf(id), () => {
    it(BLOCKED, async () => {
      expectSaid(await attack(), blocked);
    });
    it(WORKS, async () => {
      expectSaid(await attack(flaw ?? without(...guards)), works);
    });
  });
}

function expectSaid(said: string, expected: string | RegExp): void {
  if (typeof expected === 'string') expect(said).toBe(expected);
  else expect(said).toMatch(expected);
}

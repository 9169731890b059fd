/** Two tests of one attack: on vlab, which blocks it, and by the same words on a plan without the guard, where it works. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRoot, needs } from '../../skips.js';
import { Arena, type Attack } from './arena.js';
import { type Flaw, without } from './flaw.js';
import { BLOCKED, type EscapeId, escapeOf, titleOf, WORKS } from './guards.js';

/** What attacks, and what it says. */
export interface Pair extends Omit<Partial<Attack>, 'flaw' | 'asks'> {
  /** In place of words that are run once. Without a flaw the plan is vlab's own. */
  attack?: (attack: Pick<Attack, 'asks' | 'flaw'>) => Promise<string>;
  blocked: string | RegExp;
  works: string | RegExp;
  /** Default: the plan without the guards' lines. */
  flaw?: Flaw;
}

/** An arena for a file's tests, and what adds pairs of them. */
export function ownArena(): { arena: () => Arena; pair: (id: EscapeId, pair: Pair) => void } {
  let started: Arena | undefined;
  beforeAll(async () => {
    if (isRoot) started = await Arena.start();
  });
  beforeEach((context) => needs(context, 'root', isRoot));
  afterAll(() => started?.[Symbol.asyncDispose]());
  const arena = () => {
    if (!started) throw new Error('there is no arena');
    return started;
  };
  const pair = (id: EscapeId, { attack, blocked, works, flaw, words = [], ...how }: Pair) => {
    const { guards, asks } = escapeOf(id);
    const say = attack ?? ((more) => arena().run({ ...how, words, ...more }));
    describe(titleOf(id), () => {
      it(BLOCKED, async () => {
        expectSaid(await say({ asks }), blocked);
      });
      it(WORKS, async () => {
        expectSaid(await say({ asks, flaw: flaw ?? without(...guards) }), works);
      });
    });
  };
  return { arena, pair };
}

function expectSaid(said: string, expected: string | RegExp): void {
  if (typeof expected === 'string') expect(said).toBe(expected);
  else expect(said).toMatch(expected);
}

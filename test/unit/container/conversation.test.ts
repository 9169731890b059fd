// How the performer and the container's first process wait for each other: each wait is for the answer that it is meant for.
import { describe, expect, it } from 'vitest';
import { usualCgroup } from '../../../src/container/cgroup/planned-cgroup.js';
import { createPlan } from '../../../src/container/create-plan.js';
import { changed } from './config-plan.js';
import { SITUATIONS } from './situations.js';

const BOTH = [false, true];
const CASES = BOTH.flatMap((answersBorn) =>
  BOTH.flatMap((answersMounted) => BOTH.map((waitsForStart) => ({ answersBorn, answersMounted, waitsForStart }))),
);

/** Why the child waits, and what the performer has seen before it lets it go, in their order. */
function waits({ waitsForStart, ...answers }: (typeof CASES)[number]): [string, string | undefined][] {
  const config = changed(() => {});
  const fifos = waitsForStart ? { fifos: { start: '/s', outcome: '/o' } } : {};
  const options = { preserved: [], ownedStdio: [], ...answers, ...fifos };
  const cgroup = usualCgroup(config, SITUATIONS.hybrid);
  const { steps } = createPlan(config, SITUATIONS.hybrid, cgroup, options).plan;
  const clone = steps.findIndex(({ call }) => call === 'clone3');
  const parent = steps[clone]?.jump?.index ?? 0;
  const child = steps
    .slice(clone, parent)
    .filter(({ call, args }) => call === 'read' && args[0]?.text === 'toChild[0]');
  let seen = '';
  const released: string[] = [];
  for (const { call, args, why } of steps.slice(parent)) {
    if (call === 'write' && args[0]?.text === 'toChild[1]') released.push(seen);
    else if (call === 'fcntl' || call === 'read') seen = why;
  }
  expect(released.length).toBe(child.length);
  return child.map(({ why }, index) => [why, released[index]]);
}

const BORN = ['wait until the caller has done its part', 'go on only when it has made its record'];
const MOUNTED = ['wait for the hooks that run outside', 'go on only when they have succeeded'];
const RECORD = 'go on only when the caller knows of it';

describe('the waits of a container that is made', () => {
  it.each(CASES)('are let go by what they wait for: %o', (options) => {
    const { answersBorn, answersMounted, waitsForStart } = options;
    expect(waits(options)).toEqual([
      ...(answersBorn ? [BORN] : []),
      ...(answersMounted ? [MOUNTED] : []),
      ...(waitsForStart ? [[RECORD, 'wait until it is ready']] : []),
      ...(waitsForStart || answersBorn || answersMounted ? [] : [[RECORD, BORN[1]]]),
    ]);
  });
});

/** Flawed twins of plans: the same plan with exactly one guard taken out, so that an attack on it is seen to work. Pure. */
import { num } from '../../../src/sys/num.js';
import type { Plan, Step } from '../../../src/sys/plan.js';

export type Flaw = (plan: Plan) => void;

/** The steps with that reason. Throws when there are none: a flaw that changes nothing proves nothing. */
export function stepsOf(plan: Plan, why: string): Step[] {
  const found = plan.steps.filter((step) => step.why === why);
  if (found.length === 0) throw new Error(`no step of the plan is there to ${why}`);
  return found;
}

/** Does nothing, in the place of the guard, so that all jumps stay as they are. */
function pass(step: Step): void {
  Object.assign(step, {
    call: 'getpid',
    args: [],
    accept: [0n, (1n << 63n) - 1n],
    tolerate: [],
    result: undefined,
    jump: undefined,
    jumpOn: undefined,
  });
}

/** Without these steps. */
export const without =
  (...reasons: string[]): Flaw =>
  (plan) => {
    for (const why of reasons) for (const step of stepsOf(plan, why)) pass(step);
  };

/** What a step finds within the root, found as a name of any kind instead: openat2 with its rules becomes openat. */
export const careless =
  (why: string, how: bigint): Flaw =>
  (plan) => {
    for (const step of stepsOf(plan, why)) {
      Object.assign(step, { call: 'openat', args: [...step.args.slice(0, 2), num(how, 'any way')] });
    }
  };

/** One argument is another number. */
export const withArgument =
  (why: string, index: number, change: (value: bigint) => bigint): Flaw =>
  (plan) => {
    for (const { args } of stepsOf(plan, why)) {
      const argument = args[index];
      if (argument?.kind !== 'num') throw new Error(`argument ${index} of what is there to ${why} is no number`);
      args[index] = num(change(argument.value));
    }
  };

/** 32-bit words of the structure that an argument points to are others. */
export const withWords =
  (why: string, index: number, words: Readonly<Record<number, number>>): Flaw =>
  (plan) => {
    for (const { args } of stepsOf(plan, why)) {
      const argument = args[index];
      if (argument?.kind !== 'addr') throw new Error(`argument ${index} of what is there to ${why} is no address`);
      const view = new DataView(plan.data.buffer, plan.data.byteOffset + argument.offset);
      for (const [at, value] of Object.entries(words)) view.setUint32(Number(at) * 4, value, true);
    }
  };

export const all =
  (...flaws: Flaw[]): Flaw =>
  (plan) => {
    for (const flaw of flaws) flaw(plan);
  };

/** The root is only this process's: chroot(2) in place of pivot_root(2), and the old one stays. */
export const chrootOnly: Flaw = (plan) => {
  for (const step of stepsOf(plan, 'make it the root; the old one lies on top of it'))
    Object.assign(step, { call: 'chroot', args: step.args.slice(0, 1) });
  without("let go of the host's file systems")(plan);
};

/** Without what is done directly after these steps. */
export const passAfter =
  (why: string): Flaw =>
  (plan) => {
    for (const step of stepsOf(plan, why)) pass(plan.steps[plan.steps.indexOf(step) + 1] as Step);
  };

/** Flawed twins of plans: the same plan with exactly one guard taken out, so that an attack on it is seen to work. Pure. */
import { ABI, type AbiName, flags } from '../../../src/sys/abi.js';
import { num } from '../../../src/sys/num.js';
import type { Arg, Plan, Step } from '../../../src/sys/plan.js';

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

/** What a step finds by rules (openat2) it finds as any name leads to it (openat). */
export const careless =
  (why: string): Flaw =>
  (plan) => {
    for (const step of stepsOf(plan, why)) {
      const [at, path, how] = step.args;
      if (step.call !== 'openat2' || !at || !path || how?.kind !== 'addr')
        throw new Error(`no rules are there to ${why}`);
      const open = new DataView(plan.data.buffer, plan.data.byteOffset).getBigUint64(how.offset, true);
      Object.assign(step, { call: 'openat', args: [at, path, num(open, 'any way')] });
    }
  };

/** What a step takes or covers by a descriptor that is held it looks up by name, links and all, in the root that is to be. */
export const byName =
  (why: string, path: string): Flaw =>
  (plan) => {
    const [held] = stepsOf(plan, 'take a private copy of the root file system');
    if (!held?.result) throw new Error('the root is not held');
    const name = addString(plan, path);
    for (const step of stepsOf(plan, why)) {
      if (step.call === 'open_tree') {
        const how = step.args[2]?.kind === 'num' ? step.args[2].value : 0n;
        step.args = [held.result, name, num(how & ~BigInt(ABI.AT_EMPTY_PATH))];
      } else if (step.call === 'move_mount') {
        step.args.splice(2, 3, held.result, name, flags('MOVE_MOUNT_F_EMPTY_PATH', 'MOVE_MOUNT_T_SYMLINKS'));
      } else throw new Error(`nothing is mounted to ${why}`);
    }
  };

function addString(plan: Plan, text: string): Arg {
  const offset = plan.imageBytes;
  const bytes = Buffer.from(`${text}\0`);
  const data = new Uint8Array(Math.ceil((offset + bytes.length) / 8) * 8);
  data.set(plan.data);
  data.set(bytes, offset);
  Object.assign(plan, { data, imageBytes: data.length });
  return { kind: 'addr', offset, text: JSON.stringify(text) };
}

/** The last of these steps is done late: in the place of another, which is not done. */
export const late =
  (why: string, insteadOf: string): Flaw =>
  (plan) => {
    const step = stepsOf(plan, why).at(-1) as Step;
    for (const other of stepsOf(plan, insteadOf)) Object.assign(other, step);
    pass(step);
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

/** The container's first process stays in that namespace of its caller. */
export const shared =
  (...namespaces: AbiName[]): Flaw =>
  (plan) => {
    const [clone] = plan.steps.filter(({ call }) => call === 'clone3');
    const args = clone?.args[0];
    if (args?.kind !== 'addr') throw new Error('nothing is cloned');
    const view = new DataView(plan.data.buffer, plan.data.byteOffset + args.offset);
    const gone = flags(...namespaces).value;
    if ((view.getBigUint64(0, true) & gone) !== gone) throw new Error(`${namespaces} are not new`);
    view.setBigUint64(0, view.getBigUint64(0, true) & ~gone, true);
  };

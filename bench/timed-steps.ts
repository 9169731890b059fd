/** Where a plan's time goes: the same plan with a stamp behind every step, taken by the performer itself. Pure. */
import { flags } from '../src/sys/abi.js';
import { MAX_REPLY_BYTES } from '../src/sys/encode.js';
import type { Label, Plan, Step } from '../src/sys/plan.js';

const TIMESPEC_BYTES = 16;

/**
 * The plan with a clock_gettime before its first step and behind each. The stamps are its reply, instead of its own.
 * Throws RangeError when there are more than a reply holds.
 */
export function withStamps(plan: Plan): Plan {
  const at = Math.ceil(plan.imageBytes / 8) * 8;
  const bytes = (plan.steps.length + 1) * TIMESPEC_BYTES;
  if (bytes > MAX_REPLY_BYTES) throw new RangeError(`${plan.steps.length} steps are too many for one reply of stamps`);
  const moved = new Map<Label, Label>();
  const moveLabel = (label: Label): Label => {
    const target = moved.get(label) ?? { name: label.name, index: (label.index ?? 0) * 2 + 1 };
    moved.set(label, target);
    return target;
  };
  return {
    ...plan,
    steps: [
      stamp(at),
      ...plan.steps.flatMap((step, index) => [
        step.jump ? { ...step, jump: moveLabel(step.jump) } : step,
        stamp(at + (index + 1) * TIMESPEC_BYTES),
      ]),
    ],
    imageBytes: at + bytes,
    reply: { offset: at, bytes },
  };
}

function stamp(offset: number): Step {
  return {
    call: 'clock_gettime',
    args: [flags('CLOCK_MONOTONIC'), { kind: 'addr', offset, text: '&stamp' }],
    why: 'take the time',
    accept: [0n, 0n],
    tolerate: [],
    jump: undefined,
    jumpOn: undefined,
    retryOnEintr: false,
    result: undefined,
    hint: undefined,
  };
}

/**
 * ns of each step of the plan before `withStamps`, from the reply. Undefined for a step that was not stamped (execve, or
 * jumped over) or follows such a one: between processes there is no difference to take.
 */
export function readStampedSteps(reply: Buffer): (number | undefined)[] {
  const stamps = Array.from({ length: reply.length / TIMESPEC_BYTES }, (_, index) => {
    const [seconds, ns] = [0, 8].map((at) => reply.readBigInt64LE(index * TIMESPEC_BYTES + at));
    return (seconds ?? 0n) * 1_000_000_000n + (ns ?? 0n);
  });
  return stamps.slice(1).map((end, step) => {
    const begin = stamps[step] ?? 0n;
    return end === 0n || begin === 0n ? undefined : Number(end - begin);
  });
}

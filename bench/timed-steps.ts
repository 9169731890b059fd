/**
 * Where a plan's time goes: the same plan with a stamp behind every step, taken by the performer itself. A stamp costs one
 * system call more, which is subtracted as the median of what the stamps alone take.
 */
import { flags } from '../src/sys/abi.js';
import type { Addr, Label, Plan, Step } from '../src/sys/plan.js';

const TIMESPEC_BYTES = 16;

/** `stepAt` maps a step of the new plan to the step of `plan` whose end it stamps, and each real step to undefined. */
export interface TimedPlan {
  plan: Plan;
  /** Bytes of the reply where the stamp behind step i is, as struct timespec; zeros where the step was never reached. */
  stampAt: (step: number) => number;
}

/** The plan keeps its reply, which the stamps follow. Pure. */
export function withStamps(plan: Plan): TimedPlan {
  const replyAt = Math.ceil(plan.imageBytes / 8) * 8;
  const stampsAt = plan.reply.bytes;
  const imageBytes = replyAt + stampsAt + (plan.steps.length + 1) * TIMESPEC_BYTES;
  const moved = new Map<Label, Label>();
  const jumpOf = (label: Label): Label => {
    const known = moved.get(label) ?? { name: label.name, index: (label.index ?? 0) * 2 + 1 };
    moved.set(label, known);
    return known;
  };
  const stamp = (index: number): Step => {
    const at: Addr = { kind: 'addr', offset: replyAt + stampsAt + index * TIMESPEC_BYTES, text: '&stamp' };
    return {
      call: 'clock_gettime',
      args: [flags('CLOCK_MONOTONIC'), at],
      why: 'take the time',
      accept: [0n, 0n],
      tolerate: [],
      jump: undefined,
      jumpOn: undefined,
      retryOnEintr: false,
      result: undefined,
      hint: undefined,
    };
  };
  const steps = plan.steps.flatMap((step, index) => [
    step.jump ? { ...step, jump: jumpOf(step.jump) } : step,
    stamp(index + 1),
  ]);
  return {
    plan: {
      ...plan,
      steps: [stamp(0), ...steps],
      imageBytes,
      // The old reply is not copied: a plan's reply is one slice, and the profile does not need it.
      reply: { offset: replyAt + stampsAt, bytes: (plan.steps.length + 1) * TIMESPEC_BYTES },
    },
    stampAt: (step) => (step + 1) * TIMESPEC_BYTES,
  };
}

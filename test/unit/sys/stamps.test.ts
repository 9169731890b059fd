import { describe, expect, it } from 'vitest';
import { ABI } from '../../../src/sys/abi.js';
import { FRAME_BYTES } from '../../../src/sys/channel.js';
import { PlanBuilder } from '../../../src/sys/plan.js';
import { readObserved, STAMP_NAMES, Stamps } from '../../../src/sys/stamps.js';
import { LAYOUT } from './kernel-layout.js';

function stampedPlan() {
  const b = new PlanBuilder('x86_64');
  const stamps = new Stamps(b);
  for (const name of STAMP_NAMES) stamps.stamp(name, name);
  stamps.send('send');
  stamps.reapWhenDone(b.word('pidfd'));
  return { plan: b.build(), pid: stamps.pid };
}

/** Where a step's argument lies in the reply. */
function inReply(plan: ReturnType<typeof stampedPlan>['plan'], index: number, argument: number): number {
  const arg = plan.steps[index]?.args[argument];
  if (arg?.kind !== 'addr') throw new Error(`step ${index} has no address at ${argument}`);
  return arg.offset - plan.reply.offset;
}

describe('Stamps', () => {
  const { plan, pid } = stampedPlan();

  it('puts each stamp into its own struct timespec of the reply, and reads it back', () => {
    const region = Buffer.alloc(plan.reply.bytes);
    STAMP_NAMES.forEach((_, index) => {
      const at = inReply(plan, index, 1);
      region.writeBigInt64LE(BigInt(index + 1), at + LAYOUT['struct timespec'].fields.tv_sec);
      region.writeBigInt64LE(BigInt(index), at + LAYOUT['struct timespec'].fields.tv_nsec);
    });
    region.writeInt32LE(4711, pid.offset - plan.reply.offset);
    const observed = readObserved(region);
    expect(observed.pid).toBe(4711);
    expect(Object.entries(observed.stamps)).toEqual(
      STAMP_NAMES.map((name, index) => [name, BigInt(index + 1) * 1_000_000_000n + BigInt(index)]),
    );
    expect(observed.exit).toBeUndefined();
  });

  it.each([
    ['an exit code', 1, 42, { code: 42 }],
    ['a signal', 2, 9, { signal: 9 }],
    ['a signal with a core dump', 3, 6, { signal: 6 }],
  ])('reads %s from where waitid puts it', (_, code, status, exit) => {
    const region = Buffer.alloc(plan.reply.bytes);
    const reap = plan.steps.findIndex(({ call }) => call === 'waitid');
    const at = inReply(plan, reap, 2);
    const { fields, size } = LAYOUT.siginfo_t;
    expect(at + size).toBeLessThanOrEqual(plan.reply.bytes);
    region.writeInt32LE(ABI.SIGCHLD, at + fields.si_signo);
    region.writeInt32LE(code, at + fields.si_code);
    region.writeInt32LE(status, at + fields.si_status);
    expect(readObserved(region).exit).toEqual(exit);
  });

  it('leaves out the checkpoints that were not passed, and never guesses', () => {
    expect(readObserved(Buffer.alloc(plan.reply.bytes))).toEqual({ pid: 0, stamps: {} });
  });

  it('sends what the reply holds as a note: a frame of type 1, then the region', () => {
    const send = plan.steps.find(({ call }) => call === 'write');
    const [channel, frame, bytes] = send?.args ?? [];
    if (frame?.kind !== 'addr' || bytes?.kind !== 'num') throw new Error('no note is sent');
    expect(channel).toMatchObject({ value: 3n });
    expect(frame.offset + FRAME_BYTES).toBe(plan.reply.offset);
    expect(bytes.value).toBe(BigInt(FRAME_BYTES + plan.reply.bytes));
    const view = new DataView(plan.data.buffer, plan.data.byteOffset);
    expect([view.getUint32(frame.offset, true), view.getUint32(frame.offset + 4, true)]).toEqual([1, plan.reply.bytes]);
  });
});

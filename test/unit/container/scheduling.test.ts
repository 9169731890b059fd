// How a process is scheduled, as steps and as refusals with a JSON path.
import { describe, expect, it } from 'vitest';
import { type Change, callsOf, createdPlan, from, linuxWith, processWith, refusal } from './config-plan.js';

describe('scheduling', () => {
  it.each([
    [{ policy: 'SCHED_BATCH', nice: 5 }, 'sched_setattr(0, {SCHED_BATCH}, 0)'],
    [
      { policy: 'SCHED_FIFO', priority: 10, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
      'sched_setattr(0, {SCHED_FIFO|SCHED_FLAG_RESET_ON_FORK}, 0)',
    ],
    [{ policy: 'SCHED_DEADLINE', runtime: 1, deadline: 2, period: 3 }, 'sched_setattr(0, {SCHED_DEADLINE}, 0)'],
  ] as const)('%j is one step', (scheduler, expected) => {
    const change: Change = processWith({ scheduler: structuredClone(scheduler) as never });
    expect(callsOf(change, from('process.scheduler'))).toEqual([expected]);
  });

  it('struct sched_attr has every value at its place', () => {
    const { plan } = createdPlan(({ process }) => {
      process.scheduler = {
        policy: 'SCHED_OTHER',
        nice: -5,
        flags: ['SCHED_FLAG_UTIL_CLAMP_MIN', 'SCHED_FLAG_RESET_ON_FORK'],
      };
    });
    const at = plan.steps.find((step) => step.call === 'sched_setattr')?.args[1];
    if (at?.kind !== 'addr') throw new Error('no address');
    const view = new DataView(plan.data.buffer, plan.data.byteOffset + at.offset, 56);
    expect([
      view.getUint32(0, true),
      view.getUint32(4, true),
      view.getBigUint64(8, true),
      view.getInt32(16, true),
    ]).toEqual([56, 0, 0x21n, -5]);
  });

  it.each([
    [{ policy: 'SCHED_ISO' }, 'process.scheduler.policy cannot be SCHED_ISO on any kernel'],
    [{ policy: 'SCHED_OTHER', nice: 20 }, 'process.scheduler.nice is not between -20 and 19'],
    [
      { policy: 'SCHED_FIFO', nice: 1, priority: 1 },
      'process.scheduler.nice goes with SCHED_OTHER and SCHED_BATCH, not with SCHED_FIFO',
    ],
    [{ policy: 'SCHED_RR' }, 'process.scheduler.priority is not between 1 and 99, as SCHED_RR asks'],
    [
      { policy: 'SCHED_IDLE', priority: 1 },
      'process.scheduler.priority goes with SCHED_FIFO and SCHED_RR, not with SCHED_IDLE',
    ],
    [{ policy: 'SCHED_OTHER', period: 1 }, 'process.scheduler.period goes with SCHED_DEADLINE, not with SCHED_OTHER'],
  ] as const)('%j is refused', (scheduler, message) => {
    expect(refusal(processWith({ scheduler: structuredClone(scheduler) as never }))).toBe(message);
  });

  it('of input and output', () => {
    const change: Change = processWith({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 3 } });
    expect(callsOf(change, from('process.ioPriority'))).toEqual([
      'ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_BE 3)',
    ]);
    const wrong: Change = processWith({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } });
    expect(refusal(wrong)).toBe('process.ioPriority.priority is not between 0 and 7');
  });

  it.each([
    [
      { mode: 'MPOL_BIND', nodes: '0,2-3', flags: ['MPOL_F_STATIC_NODES'] },
      'set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, {0,2-3}, 65)',
    ],
    [{ mode: 'MPOL_LOCAL' }, 'set_mempolicy(MPOL_LOCAL, 0, 0)'],
    [{ mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '64' }, 'set_mempolicy(MPOL_WEIGHTED_INTERLEAVE, {64}, 129)'],
  ])('memory policy %j', (policy, expected) => {
    expect(callsOf(linuxWith({ memoryPolicy: policy }), from('linux.memoryPolicy'))).toEqual([expected]);
  });

  it.each([
    [{ mode: 'MPOL_BEST' }, 'linux.memoryPolicy.mode is no memory policy: MPOL_BEST'],
    [{ mode: 'MPOL_BIND' }, 'linux.memoryPolicy.nodes is needed with MPOL_BIND'],
    [{ mode: 'MPOL_LOCAL', nodes: '0' }, 'linux.memoryPolicy.nodes does not go with MPOL_LOCAL, which names none'],
    [{ mode: 'MPOL_BIND', nodes: '3-1' }, 'linux.memoryPolicy.nodes is no list of numbers such as 0-3,8: "3-1"'],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['X'] }, 'linux.memoryPolicy.flags[0] is no flag of a memory policy: X'],
  ])('memory policy %j is refused', (policy, message) => {
    expect(refusal(linuxWith({ memoryPolicy: policy }))).toBe(message);
  });

  it('in an execution domain', () => {
    const change: Change = linuxWith({ personality: { domain: 'LINUX32' } });
    expect(callsOf(change, from('linux.personality'))).toEqual(['personality(PER_LINUX32)']);
  });
});

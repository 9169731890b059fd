/**
 * How the kernel schedules a process, as steps: scheduler, I/O priority, processors, memory nodes, personality (sched(7),
 * ioprio_set(2), sched_setaffinity(2), set_mempolicy(2), personality(2)). Pure.
 */
import { flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder } from '../../sys/plan.js';
import { maskBytes, parseNumberList } from '../config/number-list.js';
import { configError } from '../config/parse-config.js';
import type { OciLinux, OciProcess, OciScheduler } from '../config/schema.js';

/** linux/sched.h. SCHED_ISO (4) is reserved, and no kernel has it. */
const POLICIES: Partial<Record<OciScheduler['policy'], number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};
const SCHEDULER_FLAGS: Record<NonNullable<OciScheduler['flags']>[number], number> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};
/** struct sched_attr, first as Linux 3.14 had it, then with the two utilization clamps of 5.3. */
const SCHED_ATTR_BYTES = [48, 56] as const;

/** Errors: `input` for values that do not go with the policy; `host` for a policy that no kernel has. */
export function setScheduler(b: PlanBuilder, scheduler: OciScheduler): void {
  const { policy, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const from = 'process.scheduler';
  const number = POLICIES[policy];
  if (number === undefined) throw configError(`${from}.policy`, `cannot be ${policy} on any kernel`, { blame: 'host' });
  const realTime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR';
  const wrong = (property: string, what: string) => configError(`${from}.${property}`, what);
  if (nice < -20 || nice > 19) throw wrong('nice', 'is not between -20 and 19');
  if (nice !== 0 && policy !== 'SCHED_OTHER' && policy !== 'SCHED_BATCH') {
    throw wrong('nice', `goes with SCHED_OTHER and SCHED_BATCH, not with ${policy}`);
  }
  if (realTime && (priority < 1 || priority > 99))
    throw wrong('priority', `is not between 1 and 99, as ${policy} asks`);
  if (!realTime && priority !== 0) throw wrong('priority', `goes with SCHED_FIFO and SCHED_RR, not with ${policy}`);
  for (const [property, value] of Object.entries({ runtime, deadline, period })) {
    if (value !== 0 && policy !== 'SCHED_DEADLINE') {
      throw wrong(property, `goes with SCHED_DEADLINE, not with ${policy}`);
    }
  }
  const bits = (scheduler.flags ?? []).reduce((sum, flag) => sum | SCHEDULER_FLAGS[flag], 0);
  const bytes = SCHED_ATTR_BYTES[bits & 0x60 ? 1 : 0];
  const attr = b.space(bytes, `{${[policy, ...(scheduler.flags ?? [])].join('|')}}`);
  b.put(attr.offset, bytes, 32);
  b.put(attr.offset + 4, number, 32);
  b.put(attr.offset + 8, bits, 64);
  b.put(attr.offset + 16, nice, 32);
  b.put(attr.offset + 20, priority, 32);
  [runtime, deadline, period].forEach((value, index) => {
    b.put(attr.offset + 24 + index * 8, value, 64);
  });
  b.step('sched_setattr', [0, attr, 0], `be scheduled as ${policy}`, {
    from,
    hint: 'it needs CAP_SYS_NICE, and real time a share in the cgroup (cpu.realtimeRuntime) where the kernel counts it',
  });
}

const IO_CLASSES: Record<NonNullable<OciProcess['ioPriority']>['class'], number> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};
const IOPRIO_CLASS_SHIFT = 13;

export function setIoPriority(b: PlanBuilder, { class: name, priority }: NonNullable<OciProcess['ioPriority']>): void {
  if (priority < 0 || priority > 7) throw configError('process.ioPriority.priority', 'is not between 0 and 7');
  const value = num((IO_CLASSES[name] << IOPRIO_CLASS_SHIFT) | priority, `${name} ${priority}`);
  b.step('ioprio_set', [flags('IOPRIO_WHO_PROCESS'), 0, value], 'let its input and output come in that order', {
    from: 'process.ioPriority',
    hint: 'the real-time class needs CAP_SYS_NICE or CAP_SYS_ADMIN',
  });
}

/** process.execCPUAffinity: `initial` before the process joins the container's cgroup, `final` after that. */
export function setAffinity(b: PlanBuilder, process: OciProcess, which: 'initial' | 'final'): void {
  const list = process.execCPUAffinity?.[which];
  if (!list) return;
  const from = `process.execCPUAffinity.${which}`;
  const mask = maskBytes(parseNumberList(list, from));
  b.step('sched_setaffinity', [0, mask.length, b.data(mask, `{${list}}`)], `run on processors ${list}`, { from });
}

/** linux/mempolicy.h. */
export const MEMORY_MODES: ReadonlyMap<string, number> = new Map([
  ['MPOL_DEFAULT', 0],
  ['MPOL_PREFERRED', 1],
  ['MPOL_BIND', 2],
  ['MPOL_INTERLEAVE', 3],
  ['MPOL_LOCAL', 4],
  ['MPOL_PREFERRED_MANY', 5],
  ['MPOL_WEIGHTED_INTERLEAVE', 6],
]);
export const MEMORY_FLAGS: ReadonlyMap<string, number> = new Map([
  ['MPOL_F_NUMA_BALANCING', 1 << 13],
  ['MPOL_F_RELATIVE_NODES', 1 << 14],
  ['MPOL_F_STATIC_NODES', 1 << 15],
]);
const WITHOUT_NODES = ['MPOL_DEFAULT', 'MPOL_LOCAL'];

export function setMemoryPolicy(b: PlanBuilder, policy: NonNullable<OciLinux['memoryPolicy']>): void {
  const from = 'linux.memoryPolicy';
  const mode = MEMORY_MODES.get(policy.mode);
  if (mode === undefined) throw configError(`${from}.mode`, `is no memory policy: ${policy.mode}`);
  const bits = (policy.flags ?? []).reduce((sum, name, index) => {
    const bit = MEMORY_FLAGS.get(name);
    if (bit === undefined) throw configError(`${from}.flags[${index}]`, `is no flag of a memory policy: ${name}`);
    return sum | bit;
  }, 0);
  const nodes = policy.nodes ? parseNumberList(policy.nodes, `${from}.nodes`) : 0n;
  if (nodes !== 0n && WITHOUT_NODES.includes(policy.mode)) {
    throw configError(`${from}.nodes`, `does not go with ${policy.mode}, which names none`);
  }
  if (nodes === 0n && ![...WITHOUT_NODES, 'MPOL_PREFERRED'].includes(policy.mode)) {
    throw configError(`${from}.nodes`, `is needed with ${policy.mode}`);
  }
  const mask = maskBytes(nodes);
  const shown = num(mode | bits, [policy.mode, ...(policy.flags ?? [])].join('|'));
  // The kernel counts one bit less than it is told (get_mempolicy(2), NOTES).
  const where = nodes === 0n ? [0, 0] : [b.data(mask, `{${policy.nodes}}`), mask.length * 8 + 1];
  b.step('set_mempolicy', [shown, ...where], 'take its memory from those nodes', {
    from,
    hint: 'the kernel must be built for NUMA, know the policy, and have memory on those nodes',
  });
}

const DOMAINS = { LINUX: 'PER_LINUX', LINUX32: 'PER_LINUX32' } as const;

export function setPersonality(b: PlanBuilder, { domain }: NonNullable<OciLinux['personality']>): void {
  b.step('personality', [flags(DOMAINS[domain])], `run in the execution domain ${domain}`, {
    from: 'linux.personality',
  });
}

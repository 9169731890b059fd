// A further program in a container: who enters which namespace, and when.
import { describe, expect, it } from 'vitest';
import { execPlan } from '../../../src/container/exec-plan.js';
import type { Situation } from '../../../src/container/situation.js';
import type { Step } from '../../../src/sys/plan.js';
import { showCall, showPlan } from '../../../src/sys/show.js';
import { type Change, changed } from './config-plan.js';
import { HOST, SITUATIONS } from './situations.js';

const planOf = (change: Change = () => {}, situation: Situation = SITUATIONS.hybrid) =>
  execPlan(
    changed(change),
    situation,
    { pid: 4711, cgroups: [{ version: 1, path: '/sys/fs/cgroup/memory/x' }] },
    { preserved: [], ownedStdio: [] },
  );
const calls = (which: (step: Step) => boolean, change?: Change, situation?: Situation) =>
  planOf(change, situation).steps.filter(which).map(showCall);
const entering = ({ call, args: [first] }: Step) =>
  ['clone3', 'setns', 'pidfd_open', 'sched_setaffinity'].includes(call) || first?.text === 'PR_SET_DUMPABLE';
const withUser: Change = ({ linux }) => {
  linux.namespaces.push({ type: 'user' });
  linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
};

describe('with privileges', () => {
  it('the performer enters the pid namespace only, and leaves it again', () => {
    expect(calls(entering)).toEqual([
      'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)',
      'pidfd_open(4711, 0) → container',
      'setns(container, CLONE_NEWPID)',
      'clone3({CLONE_PIDFD|CLONE_PARENT_SETTID|CLONE_VM}, 88)',
      'setns(container, CLONE_NEWNS|CLONE_NEWNET|CLONE_NEWIPC|CLONE_NEWUTS|CLONE_NEWCGROUP)',
      'setns(pid namespace, CLONE_NEWPID)',
    ]);
  });

  it('the child joins its cgroup before it joins what would hide that, and becomes root where ids are mapped', () => {
    const { steps } = planOf(withUser);
    const at = (which: (step: Step) => boolean) => steps.findIndex(which);
    const joined = at(({ why }) => why.startsWith('join the cgroup'));
    const entered = at(({ why }) => why === 'join its namespaces');
    expect(joined).toBeGreaterThan(0);
    expect(joined).toBeLessThan(entered);
    expect(showCall(steps[entered] as Step)).toContain('CLONE_NEWUSER');
    expect(at(({ why }) => why === "become the namespace's root")).toBeGreaterThan(entered);
  });

  it('a user namespace that is the caller’s own is not joined again', () => {
    const host = {
      ...HOST,
      isOwnNamespace: (type: string, path: string) => type === 'user' && path === '/proc/4711/ns/user',
    };
    expect(calls(({ call }) => call === 'setns', withUser, { ...SITUATIONS.hybrid, host }).join()).not.toContain(
      'NEWUSER',
    );
  });

  it('a time namespace is joined by a process that shares no memory', () => {
    const change: Change = ({ linux }) => void linux.namespaces.push({ type: 'time' });
    expect(calls(({ call }) => call === 'clone3', change)).toEqual(['clone3({CLONE_PIDFD|CLONE_PARENT_SETTID}, 88)']);
  });

  it('processors are chosen before and after the cgroup is joined', () => {
    const change: Change = ({ process }) => {
      process.execCPUAffinity = { initial: '0', final: '1-2' };
    };
    const order = calls(({ call, why }) => call === 'sched_setaffinity' || why.startsWith('join the cgroup'), change);
    expect(order).toEqual(['sched_setaffinity(0, 8, {0})', 'write(tasks, "0", 1)', 'sched_setaffinity(0, 8, {1-2})']);
    const wrong: Change = ({ process }) => {
      process.execCPUAffinity = { final: 'all' };
    };
    expect(() => planOf(wrong)).toThrow('process.execCPUAffinity.final is no list of numbers');
  });
});

describe('without privileges', () => {
  it('a go-between enters all of them, the user namespace among them', () => {
    expect(calls(entering, withUser, SITUATIONS.rootless)).toEqual([
      'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)',
      'pidfd_open(4711, 0) → container',
      'clone3({CLONE_PIDFD|CLONE_PARENT_SETTID|CLONE_VM}, 88)',
      'setns(container, CLONE_NEWNS|CLONE_NEWPID|CLONE_NEWNET|CLONE_NEWIPC|CLONE_NEWUTS|CLONE_NEWCGROUP|CLONE_NEWUSER)',
      'clone3({CLONE_PIDFD|CLONE_PARENT_SETTID|CLONE_VM|CLONE_PARENT}, 88)',
      'pidfd_open(pid, 0) → pidfd',
    ]);
  });
});

it('reads like this', async () => {
  await expect(showPlan(planOf())).toMatchFileSnapshot('golden/exec.txt');
});

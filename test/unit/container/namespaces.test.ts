// Which namespaces are new and which are joined, in which order, and by whom. The refusals' texts are tried on the real kernel
// in test/system/container/namespaces.test.ts.
import { describe, expect, it } from 'vitest';
import { namespacesOf } from '../../../src/container/config/namespaces.js';
import type { OciNamespaceType } from '../../../src/container/config/schema.js';
import type { Situation } from '../../../src/container/situation.js';
import type { Step } from '../../../src/sys/plan.js';
import { showPlan } from '../../../src/sys/show.js';
import { type Change, callsOf, changed, createdPlan, from, refusal } from './config-plan.js';
import { HOST, SITUATIONS } from './situations.js';

const RANGE = [{ containerID: 0, hostID: 100000, size: 65536 }];
const joined = (type: OciNamespaceType) => ({ type, path: `/ns/${type}` });
const namespaces = (...all: (OciNamespaceType | { type: OciNamespaceType; path: string })[]) =>
  all.map((one) => (typeof one === 'string' ? { type: one } : one));
const linux =
  (properties: object): Change =>
  (config) => {
    Object.assign(config.linux, properties);
    delete config.hostname;
  };
const calls = (step: Step) => ['clone3', 'setns', 'unshare', 'exit_group'].includes(step.call);
const steps = (change: Change, situation?: Situation) =>
  callsOf(change, calls, situation)
    .filter((call) => call !== 'exit_group(127)') // the end of one whose program could not be run
    .map((call) => call.replace('CLONE_PIDFD|CLONE_PARENT_SETTID', '…').replace(', 88', ''));
const own = (situation: { rootless: { uid: number; gid: number } }) => {
  const { uid, gid } = situation.rootless;
  const one = (hostID: number) => [{ containerID: 0, hostID, size: 1 }];
  return { uidMappings: one(uid), gidMappings: one(gid) };
};

describe('with privileges', () => {
  it('new ones come with the clone', () => {
    const change = linux({ namespaces: namespaces('mount', 'pid', 'network') });
    expect(steps(change)).toEqual(['clone3({…|CLONE_NEWNS|CLONE_NEWPID|CLONE_NEWNET|CLONE_VM})']);
  });

  it('joined ones are entered by the child, the mount namespace last', () => {
    const change = linux({ namespaces: namespaces(joined('mount'), joined('network'), 'pid', joined('uts')) });
    expect(steps(change)).toEqual([
      'clone3({…|CLONE_NEWPID|CLONE_VM})',
      'setns(network namespace, CLONE_NEWNET)',
      'setns(uts namespace, CLONE_NEWUTS)',
      'setns(mount namespace, CLONE_NEWNS)',
    ]);
    expect(callsOf(change, (step) => step.call === 'openat' && /hold the \w+ namespace/.test(step.why))).toHaveLength(
      3,
    );
  });

  it('a pid namespace is entered by a go-between, which clones its sibling', () => {
    const change = linux({ namespaces: namespaces('mount', joined('pid'), joined('ipc')) });
    expect(steps(change)).toEqual([
      'clone3({…|CLONE_VM})',
      'setns(ipc namespace, CLONE_NEWIPC)',
      'setns(pid namespace, CLONE_NEWPID)',
      'clone3({…|CLONE_NEWNS|CLONE_VM|CLONE_PARENT})',
      'exit_group(0)',
    ]);
    // Others see the child from its first moment on.
    const at = (which: (step: Step) => boolean) => createdPlan(change).plan.steps.findIndex(which);
    const hidden = at(({ call, args: [first] }) => call === 'prctl' && first?.text === 'PR_SET_DUMPABLE');
    expect(hidden).toBeLessThan(at(({ call }) => call === 'clone3'));
  });

  it('a user namespace is joined after the others, and new ones are made in it', () => {
    const all = namespaces(joined('user'), joined('network'), 'mount', 'pid');
    expect(steps(linux({ namespaces: all }))).toEqual([
      'clone3({…|CLONE_VM})',
      'setns(network namespace, CLONE_NEWNET)',
      'setns(user namespace, CLONE_NEWUSER)',
      'clone3({…|CLONE_NEWNS|CLONE_NEWPID|CLONE_VM|CLONE_PARENT})',
      'exit_group(0)',
    ]);
  });

  it('what is the host’s is joined before a new user namespace begins', () => {
    const all = namespaces('user', joined('network'), 'mount');
    const change = linux({ namespaces: all, uidMappings: RANGE, gidMappings: RANGE });
    expect(steps(change)).toEqual([
      'clone3({…|CLONE_VM})',
      'setns(network namespace, CLONE_NEWNET)',
      'clone3({…|CLONE_NEWUSER|CLONE_NEWNS|CLONE_VM|CLONE_PARENT})',
      'exit_group(0)',
    ]);
    expect(createdPlan(change)).toMatchObject({ maps: 'outside', answersBorn: true });
  });

  it('a time namespace is made and entered without sharing memory', async () => {
    const change = linux({
      namespaces: namespaces('time', 'mount'),
      timeOffsets: { monotonic: { secs: -5 }, boottime: { secs: 7, nanosecs: 8 } },
    });
    expect(steps(change)).toEqual([
      'clone3({…|CLONE_VM})',
      'unshare(CLONE_NEWTIME)',
      'clone3({…|CLONE_NEWNS|CLONE_PARENT})',
      'exit_group(0)',
    ]);
    expect(callsOf(change, from('linux.timeOffsets'))[1]).toContain('monotonic -5 0\\nboottime 7 8\\n');
    const joins = linux({ namespaces: namespaces(joined('time'), 'mount') });
    expect(steps(joins).filter((step) => step.includes('CLONE_VM'))).toEqual([]);
  });

  it('the parent learns of the child from the go-between', async () => {
    const { plan } = createdPlan(linux({ namespaces: namespaces('mount', joined('pid')) }));
    const found = plan.steps.filter(({ why }) => /go-between|first process|entering|join/.test(why));
    await expect(
      showPlan({ ...plan, steps: found.map((step) => ({ ...step, jump: undefined, jumpOn: undefined })) }),
    ).toMatchFileSnapshot('golden/go-between.txt');
  });

  it('the child becomes root of a namespace whose ids others map, before it makes anything', () => {
    const change = linux({
      namespaces: namespaces('user', 'mount', 'uts'),
      uidMappings: RANGE,
      gidMappings: RANGE,
    });
    const order = callsOf(change, ({ call }) => ['setresuid', 'setresgid', 'setgroups', 'mount'].includes(call));
    expect(order.slice(0, 3)).toEqual(['setgroups(0, 0)', 'setresgid(0, 0, 0)', 'setresuid(0, 0, 0)']);
    const none = [{ containerID: 5, hostID: 5, size: 10 }];
    const without: Change = (config) => {
      Object.assign(config.linux, {
        namespaces: namespaces('user', 'mount', 'uts'),
        uidMappings: none,
        gidMappings: none,
      });
      config.process.user = { uid: 5, gid: 5 };
    };
    expect(callsOf(without, ({ call }) => call === 'setresuid')).toEqual(['setresuid(5, 5, 5)']);
  });

  it('limits are raised from outside when the child could not', () => {
    const change: Change = (config) => {
      Object.assign(config.linux, {
        namespaces: namespaces('user', 'mount', 'uts'),
        uidMappings: RANGE,
        gidMappings: RANGE,
      });
      config.process.rlimits = [
        { type: 'RLIMIT_NOFILE', soft: 10, hard: 4096 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 5 },
      ];
    };
    expect(callsOf(change, from('process.rlimits')).sort()).toEqual([
      'prlimit64(0, RLIMIT_CORE, {0, 5}, 0)',
      'prlimit64(0, RLIMIT_NOFILE, {10, 4096}, 0)',
      'prlimit64(pid, RLIMIT_NOFILE, {4096, 4096}, 0)', // beyond the 1024 that this machine has
    ]);
  });
});

describe('without privileges', () => {
  const situation = SITUATIONS.rootless;

  it('the child maps its own id by itself', () => {
    const change = linux({ namespaces: namespaces('user', 'mount', 'uts'), ...own(situation) });
    expect(steps(change, situation)).toEqual(['clone3({…|CLONE_NEWUSER|CLONE_NEWNS|CLONE_NEWUTS|CLONE_VM})']);
    expect(createdPlan(change, situation)).toMatchObject({ maps: 'own', answersBorn: false });
  });

  it('ranges are for somebody else to map', () => {
    const change = linux({
      namespaces: namespaces('user', 'mount', 'uts'),
      uidMappings: RANGE,
      gidMappings: RANGE,
    });
    expect(createdPlan(change, situation)).toMatchObject({ maps: 'outside', answersBorn: true });
  });

  it('a user namespace is joined before the others', () => {
    const all = namespaces(joined('network'), joined('user'), 'mount', joined('pid'));
    expect(steps(linux({ namespaces: all }), situation).slice(1, 4)).toEqual([
      'setns(user namespace, CLONE_NEWUSER)',
      'setns(network namespace, CLONE_NEWNET)',
      'setns(pid namespace, CLONE_NEWPID)',
    ]);
  });

  it('a time namespace is made inside a new user namespace', () => {
    const change = linux({ namespaces: namespaces('user', 'mount', 'time', 'uts'), ...own(situation) });
    expect(steps(change, situation)).toEqual([
      'clone3({…|CLONE_NEWUSER|CLONE_VM})',
      'unshare(CLONE_NEWTIME)',
      'clone3({…|CLONE_NEWNS|CLONE_NEWUTS|CLONE_PARENT})',
      'exit_group(0)',
    ]);
  });

  it('groups cannot be had with one id', () => {
    const change: Change = (config) => {
      Object.assign(config.linux, { namespaces: namespaces('user', 'mount', 'uts'), ...own(situation) });
      config.process.user = { uid: 0, gid: 0, additionalGids: [0] };
    };
    expect(refusal(change, situation)).toBe(
      'process.user.additionalGids cannot be set where a user maps only its own ids',
    );
    expect(
      callsOf(
        linux({ namespaces: namespaces('user', 'mount', 'uts'), ...own(situation) }),
        ({ call }) => call === 'setgroups',
        situation,
      ),
    ).toEqual([]);
  });
});

it('a namespace by path is no other one when it is the runtime’s', () => {
  const host = { ...HOST, isOwnNamespace: (type: OciNamespaceType) => type === 'uts' };
  const config = changed(linux({ namespaces: namespaces(joined('uts'), joined('network'), 'ipc') }));
  delete config.hostname;
  const { apart } = namespacesOf(config, { rootless: undefined, host });
  expect((['uts', 'network', 'ipc', 'mount'] as const).map(apart)).toEqual([false, true, true, false]);
});

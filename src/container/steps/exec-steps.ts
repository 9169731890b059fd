/** A further program in a running container: it joins its namespaces and cgroups (setns(2), pidfd_open(2)). Pure. */
import { type AbiName, flags } from '../../sys/abi.js';
import { type Cloned, cloneProcess } from '../../sys/clone.js';
import type { ArgLike, PlanBuilder, Word } from '../../sys/plan.js';
import type { JoinedCgroup } from '../cgroup/cgroup.js';
import { holdCgroup, joinCgroups, openThreads } from '../cgroup/join-steps.js';
import { compileContainer } from '../compile.js';
import type { Namespaces } from '../config/namespaces.js';
import type { OciConfig, OciNamespaceType } from '../config/schema.js';
import { type HostAbilities, hostAbilities } from '../host-abilities.js';
import type { Situation } from '../situation.js';
import { hideFromOthers } from './guard-steps.js';
import { becomeRoot } from './id-map-steps.js';
import { CLONE_FLAGS, goBetween } from './namespace-steps.js';
import { type ProcessSteps, processSteps } from './process-steps.js';
import { execProgram } from './program-steps.js';
import { setAffinity } from './scheduling-steps.js';

export interface ExecSteps extends Pick<ProcessSteps, 'drop' | 'pass' | 'confine' | 'takeListener' | 'warnings'> {
  create(pid: Word): Cloned;
  /** In the parent, the first steps behind the clone. */
  adopt(): void;
  enter(): void;
  exec(failed?: ArgLike, done?: Word): void;
  /** In a parent that stays, when the program runs. */
  started(): void;
}

export interface Running {
  /** The container's first process on the host. */
  pid: number;
  /** Its cgroups; absent: where `vlab run` puts it. */
  cgroups?: readonly JoinedCgroup[];
}

/**
 * `config`: the container's, with the process to run. A pid namespace is entered by the next child only: with privileges the
 * performer enters it, clones and goes back, and the child does the rest. Without them the container's user namespace must
 * come first, from which there is no way back: then a go-between does it.
 */
export function execPlanOf(b: PlanBuilder, config: OciConfig, situation: Situation, running: Running): ExecSteps {
  const host = situation.host ?? hostAbilities;
  const types = joinedTypes(config, running.pid, host);
  const process = processSteps(b, config, situation, asJoined(types));
  const cgroups = running.cgroups ?? compileContainer(b, config, situation).cgroups;
  const unified = cgroups.find(({ version }) => version === 2);
  const intoCgroup = unified !== undefined;
  const viaGoBetween = situation.rootless !== undefined && types.includes('user');
  const between = viaGoBetween ? goBetween(b) : undefined;
  const entersPid = types.includes('pid') && !between;
  const joins: Word[] = [];
  const [container, ownPid] = [b.word('container'), b.word('pid namespace')];
  const gone = { hint: 'the container has ended' };
  const kinds = (some: readonly OciNamespaceType[]) => flags(...(some.map((type) => CLONE_FLAGS[type]) as AbiName[]));
  // A time namespace is joined by who shares no memory.
  const borrowsMemory = !types.includes('time');
  const why = 'create a process among them';
  return {
    warnings: process.warnings,
    create(pid) {
      process.before();
      // The child is among the container's processes from its first moment on.
      hideFromOthers(b);
      b.step('pidfd_open', [running.pid, 0], "hold the container's first process", { result: container, ...gone });
      for (const { path } of cgroups.filter(({ version }) => version === 1)) {
        const why = 'open the list of its cgroup: one thread alone enters without a wait';
        joins.push(openThreads(b, path, b.word('tasks'), why, gone));
      }
      const held = (cloned: Cloned) => {
        if (unified) holdCgroup(b, unified.path, cloned.cgroup, 'hold its cgroup, to clone into it', gone);
        return cloned;
      };
      if (between) {
        return held(
          between.create({
            pid,
            first: { namespaces: [], borrowsMemory, intoCgroup },
            enterJoined: () => b.step('setns', [container, kinds(types)], 'join its namespaces', gone),
            second: { namespaces: [], borrowsMemory, why },
          }),
        );
      }
      if (entersPid) {
        const own = b.str('/proc/self/ns/pid');
        b.step('openat', [flags('AT_FDCWD'), own, flags('O_RDONLY', 'O_CLOEXEC')], 'hold the own pid namespace', {
          result: ownPid,
        });
        b.step('setns', [container, kinds(['pid'])], "let the next child be in the container's", gone);
      }
      return held(cloneProcess(b, { namespaces: [], borrowsMemory, pid, why, intoCgroup }));
    },
    adopt() {
      between?.adopt();
      if (!entersPid) return;
      // The own one may belong to the machine's root: then they stay where this child is.
      b.step('setns', [ownPid, kinds(['pid'])], 'and other children in the own one again', {
        tolerate: situation.inUserNamespace ? ['EPERM'] : [],
      });
    },
    enter() {
      process.begin();
      setAffinity(b, config.process, 'initial');
      joinCgroups(b, joins);
      setAffinity(b, config.process, 'final');
      const left = between ? [] : types.filter((type) => type !== 'pid');
      if (left.length > 0) b.step('setns', [container, kinds(left)], 'join its namespaces', gone);
      if (types.includes('user')) becomeRoot(b, 'unknown');
      process.hide(true);
    },
    drop: (passed) => process.drop(passed),
    pass: (how) => process.pass(how),
    confine: (handOver) => process.confine(handOver),
    takeListener: process.takeListener,
    started: () => process.after(),
    exec(failed, done) {
      process.confine(undefined, done);
      execProgram(b, config, failed);
    },
  };
}

/** Of the container's namespaces those that are not the caller's too: its own user namespace cannot be joined again. */
function joinedTypes(config: OciConfig, pid: number, host: HostAbilities): OciNamespaceType[] {
  return config.linux.namespaces
    .map(({ type }) => type)
    .filter((type) => type !== 'user' || !host.isOwnNamespace(type, `/proc/${pid}/ns/user`));
}

function asJoined(types: readonly OciNamespaceType[]): Namespaces {
  return {
    created: [],
    joined: types.map((type) => ({ type, path: '', from: '' })),
    apart: (type) => types.includes(type),
    isNew: () => false,
    maps: undefined,
  };
}

/**
 * OCI configuration → the steps of a container. Pure. The caller decides what happens around them (who waits, who
 * stamps, where the output goes); this file decides what the container is.
 */
import type { RootMount } from '../storage/root-mount.js';
import type { Cloned } from '../sys/clone.js';
import type { Addr, ArgLike, PlanBuilder, Word } from '../sys/plan.js';
import type { JoinedCgroup } from './cgroup/cgroup.js';
import { cgroupSteps } from './cgroup/cgroup-steps.js';
import type { PlannedCgroup } from './cgroup/planned-cgroup.js';
import { type Namespaces, namespacesOf } from './config/namespaces.js';
import type { OciConfig } from './config/schema.js';
import { hostAbilities } from './host-abilities.js';
import type { Situation } from './situation.js';
import type { Passed } from './steps/descriptor-steps.js';
import { hideFromOthers } from './steps/guard-steps.js';
import { MountSteps } from './steps/mount-steps.js';
import { loopbackUp, nameHost, namespaceSteps } from './steps/namespace-steps.js';
import { netDeviceSteps } from './steps/net-device-steps.js';
import { type ProcessSteps, processSteps } from './steps/process-steps.js';
import { execProgram } from './steps/program-steps.js';
import { resctrlSteps } from './steps/resctrl-steps.js';
import { parametersOf, setParameters } from './steps/sysctl-steps.js';

export interface ContainerSteps {
  /** In the parent: cgroups are made and limited, and the clone3 step is prepared: `toParent` of the result adds it. */
  create(pid: Word): Cloned;
  /** In the parent, the first steps behind the clone. From here on `pid` and the result's `pidfd` are the child's. */
  adopt(): void;
  /**
   * In the parent, while the child waits before `enter`, when `needsOutside`: what only the host's privileges can do for it.
   * `maps` tells who writes the ids' maps by then (`outside`: the caller, to /proc/PID/uid_map and gid_map).
   */
  outside(pid: Word): void;
  needsOutside: boolean;
  maps: Namespaces['maps'];
  /** The child's steps from its birth to its root. */
  enter(moments: Moments): void;
  /** The child's steps in its root: directory, limits, user and capabilities. `passed`: what its program will get. */
  drop(passed?: readonly Passed[]): void;
  /**
   * The child's last steps before its program, those of security modules and the filter; `exec` adds them where the caller
   * has not. With `takeListener` the parent must be told before, and `handOver` is how the child waits for it (by read(2)).
   */
  confine(handOver?: () => void): void;
  /** In the parent, with SCMP_ACT_NOTIFY: sends the listener with the container process state, then lets the child go on. */
  takeListener: ((pidfd: Word, state: { text: Addr; bytes: number }) => void) | undefined;
  /** The child's last steps that need its descriptors: labels, and then all are closed but those that `drop` was told of, and `kept`. */
  pass: ProcessSteps['pass'];
  /** execve of the program. `failed`: a pipe that is told why it could not be run. */
  exec(failed?: ArgLike, done?: Word): void;
  /** In a parent that stays, when the program runs. */
  started(): void;
  /** In the parent, after the child was reaped. */
  after(): void;
  /** Descriptor of the container's devpts, for a terminal. */
  pts(): Word;
  /** The /dev directory, for a console. */
  dev(): Word;
  cgroupDirectories: string[];
  /** Where its processes are. */
  cgroups: readonly JoinedCgroup[];
  /** Directories of resctrl that exist while the container does; deepest first. */
  resctrlDirectories: string[];
  /** What was asked for and is left out, with JSON paths. */
  warnings: string[];
}

/** Places between the child's steps where the caller adds some. */
export interface Moments {
  /** Its file systems are mounted, and the old root is still there. */
  mounted?: () => void;
  /** The root has changed. */
  rooted: () => void;
}

/**
 * `cgroup`: where it goes (`cgroupOf`); by default where `vlab run` puts its containers. `rootMount`: what its root is made of; by
 * default the directory of the configuration. Errors: `host` for a limit that cannot
 * be set here; RangeError for a configuration this compiler does not know.
 */
export function compileContainer(
  b: PlanBuilder,
  config: OciConfig,
  situation: Situation,
  cgroup?: PlannedCgroup,
  rootMount?: RootMount,
): ContainerSteps {
  const host = situation.host ?? hostAbilities;
  const namespaces = namespacesOf(config, { rootless: situation.rootless, host });
  const cgroups = cgroupSteps(b, config, situation, cgroup);
  const mounts = new MountSteps(b, config, situation, cgroups.own, rootMount);
  const own = namespaceSteps(b, {
    config,
    namespaces,
    rootless: situation.rootless !== undefined,
    // Version 1 is joined by the child itself, so its cgroup namespace must begin after that.
    clonesIntoCgroup: cgroups.clonesInto && !cgroups.joinsItself,
  });
  const process = processSteps(b, config, situation, namespaces);
  const parameters = parametersOf(config.linux.sysctl ?? {}, namespaces);
  const devices = netDeviceSteps(b, config.linux.netDevices, namespaces, situation.netDevices ?? {});
  const id = situation.id ?? config.linux.cgroupsPath?.split('/').at(-1) ?? '';
  const resctrl = resctrlSteps(b, config.linux.intelRdt, id, host);
  const raises = namespaces.isNew('user') && !situation.rootless && (config.process.rlimits ?? []).length > 0;
  const joinsPid = namespaces.joined.some(({ type }) => type === 'pid');
  return {
    cgroupDirectories: cgroups.directories,
    cgroups: cgroups.own,
    resctrlDirectories: resctrl?.directories ?? [],
    warnings: process.warnings,
    maps: namespaces.maps,
    needsOutside: namespaces.maps === 'outside' || devices !== undefined || raises,
    create(pid) {
      process.before();
      resctrl?.make();
      // Others can see the child from its first moment on.
      if (joinsPid) hideFromOthers(b);
      const made = own.create({ pid, intoCgroup: cgroups.clonesInto });
      cgroups.make(made.cgroup);
      mounts.beforeClone();
      return made;
    },
    adopt: () => own.adopt(),
    outside(pid) {
      if (raises) process.raiseLimits(pid);
      devices?.move(own.network ? { fd: own.network } : { pid });
    },
    enter({ mounted, rooted }) {
      process.begin();
      cgroups.join();
      resctrl?.join();
      own.enterCgroup();
      own.enter();
      process.hide(joinsPid);
      nameHost(b, config);
      devices?.configure();
      mounts.mount();
      if (parameters.length > 0) setParameters(b, parameters, ownProc(config) ? mounts.directory('/proc') : undefined);
      mounted?.();
      mounts.finish();
      mounts.pivot();
      rooted();
      if (namespaces.isNew('network')) loopbackUp(b);
    },
    drop: (passed) => process.drop(passed),
    pass: (how) => process.pass(how),
    confine: (handOver) => process.confine(handOver),
    takeListener: process.takeListener,
    exec(failed, done) {
      process.confine(undefined, done);
      execProgram(b, config, failed);
    },
    started: () => process.after(),
    after() {
      mounts.after();
      cgroups.remove();
    },
    pts: () => mounts.directory('/dev/pts'),
    dev: () => mounts.directory('/dev'),
  };
}

/** A procfs that is mounted for the container: it shows the child's namespaces, and nobody has covered any of it. */
function ownProc({ mounts }: OciConfig): boolean {
  return mounts.some(({ destination, type }) => destination === '/proc' && type === 'proc');
}

/**
 * OCI configuration → the steps of a container. Pure. The caller decides what happens around them (who waits, who
 * stamps, where the output goes); this file decides what the container is.
 */
import { flags } from '../sys/abi.js';
import { type Cloned, cloneProcess } from '../sys/clone.js';
import type { PlanBuilder, Word } from '../sys/plan.js';
import { cgroupSteps } from './cgroup/cgroup-steps.js';
import type { PlannedCgroup } from './cgroup/planned-cgroup.js';
import type { OciConfig } from './config/schema.js';
import type { Situation } from './situation.js';
import { dropPrivileges } from './steps/identity-steps.js';
import { MountSteps } from './steps/mount-steps.js';
import { CLONE_FLAGS, loopbackUp, mapIds, nameHost } from './steps/namespace-steps.js';
import { execProgram } from './steps/program-steps.js';

export interface ContainerSteps {
  /** In the parent: cgroups are made and limited, and the clone3 step is prepared: `toParent` of the result adds it. */
  create(pid: Word): Cloned;
  /** The child's steps from its birth to its root. */
  enter(moments: Moments): void;
  /** The child's last steps before its program: identity and privileges. */
  drop(): void;
  /** execve of the program. `failed`: a pipe that is told why it could not be run. */
  exec(failed?: Word): void;
  /** In the parent, after the child was reaped. */
  after(): void;
  /** Descriptor of the container's devpts, for a terminal. */
  pts(): Word;
  /** The /dev directory, for a console. */
  dev(): Word;
  cgroupDirectories: string[];
}

/** Places between the child's steps where the caller adds some. */
export interface Moments {
  /** Its file systems are mounted, and the old root is still there. */
  mounted?: () => void;
  /** The root has changed. */
  rooted: () => void;
}

/**
 * `cgroup`: where it goes (`cgroupOf`); by default where `vlab run` puts its containers. Errors: `host` for a limit that cannot
 * be set here; RangeError for a configuration this compiler does not know.
 */
export function compileContainer(
  b: PlanBuilder,
  config: OciConfig,
  situation: Situation,
  cgroup?: PlannedCgroup,
): ContainerSteps {
  const types = new Set(config.linux.namespaces.map(({ type }) => type));
  const cgroups = cgroupSteps(b, config, situation, cgroup);
  const mounts = new MountSteps(b, config, situation, cgroups.own);
  // Version 1 is joined by the child itself, so its cgroup namespace must begin after that.
  const unshareCgroup = types.has('cgroup') && (cgroups.joinsItself || !cgroups.clonesInto);
  const cloned = [...types].filter((type) => type !== 'cgroup' || !unshareCgroup);
  return {
    cgroupDirectories: cgroups.directories,
    create(pid) {
      const made = cloneProcess(b, {
        namespaces: cloned.map((type) => CLONE_FLAGS[type]),
        why: `create the container's first process in ${cloned.length} new namespaces`,
        intoCgroup: cgroups.clonesInto,
        borrowsMemory: true,
        pid,
        hint: types.has('user')
          ? 'unprivileged user namespaces may be switched off here: see `vlab doctor`'
          : 'creating namespaces needs root; see `vlab doctor`',
      });
      cgroups.make(made.cgroup);
      mounts.beforeClone();
      return made;
    },
    enter({ mounted, rooted }) {
      cgroups.join();
      if (unshareCgroup) b.step('unshare', [flags('CLONE_NEWCGROUP')], 'see its own cgroups as the roots of the trees');
      if (types.has('user')) mapIds(b, config);
      if (types.has('uts')) nameHost(b, config);
      mounts.mount();
      mounted?.();
      mounts.finish();
      mounts.pivot();
      rooted();
      if (types.has('network')) loopbackUp(b);
    },
    drop: () => dropPrivileges(b, config, situation),
    exec: (failed) => execProgram(b, config, failed),
    after() {
      mounts.after();
      cgroups.remove();
    },
    pts: () => mounts.directory('/dev/pts'),
    dev: () => mounts.directory('/dev'),
  };
}

/** A further program in a running container: join its namespaces and cgroups (setns(2), pidfd_open(2)). Pure. */
import { join } from 'node:path';
import { type AbiName, flags } from '../../sys/abi.js';
import { type Cloned, cloneProcess } from '../../sys/clone.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { compileContainer } from '../compile.js';
import type { OciConfig } from '../config/schema.js';
import type { Situation } from '../situation.js';
import { CLONE_FLAGS } from './namespace-steps.js';

export interface ExecSteps {
  create(pid: Word): Cloned;
  enter(): void;
  drop(): void;
  exec(failed?: Word): void;
}

/**
 * `pid`: the container's first process on the host. `cgroupDirectories`: where it is, when not where `vlab run` puts it. The performer joins the namespaces and then clones, because a pid
 * namespace is only entered by children.
 */
export function execPlanOf(
  b: PlanBuilder,
  config: OciConfig,
  situation: Situation,
  pid: number,
  command: readonly string[],
  cgroupDirectories?: readonly string[],
): ExecSteps {
  const container = compileContainer(b, { ...config, process: { ...config.process, args: [...command] } }, situation);
  const joins: Word[] = [];
  return {
    create(pidWord) {
      const pidfd = b.word('container');
      const gone = { hint: 'the container has ended' };
      b.step('pidfd_open', [pid, 0], "hold the container's first process", { result: pidfd, ...gone });
      for (const directory of cgroupDirectories ?? container.cgroupDirectories) {
        const procs = b.word('procs');
        const path = b.str(join(directory, 'cgroup.procs'));
        b.step('openat', [flags('AT_FDCWD'), path, flags('O_WRONLY', 'O_CLOEXEC')], 'open the list of its cgroup', {
          result: procs,
          ...gone,
        });
        joins.push(procs);
      }
      const kinds = config.linux.namespaces.map(({ type }) => CLONE_FLAGS[type]) as AbiName[];
      b.step('setns', [pidfd, flags(...kinds)], 'join its namespaces', gone);
      return cloneProcess(b, { namespaces: [], borrowsMemory: true, pid: pidWord, why: 'create a process among them' });
    },
    enter() {
      for (const procs of joins) b.step('write', [procs, b.str('0'), 1], 'join the cgroup (0 is "myself")');
    },
    drop: () => container.drop(),
    exec: (failed) => container.exec(failed),
  };
}

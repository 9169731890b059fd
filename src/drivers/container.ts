/** vlab's own container: namespaces, cgroup, pivot_root, capabilities, all from one plan. */
import { join } from 'node:path';
import { compileContainer } from '../container/compile.js';
import { DEFAULT_CAPABILITIES } from '../container/config/capabilities.js';
import { defaultConfig } from '../container/config/default-config.js';
import { defaultSeccomp } from '../container/config/default-seccomp.js';
import type { OciConfig } from '../container/config/schema.js';
import type { Situation } from '../container/situation.js';
import { situationFor } from '../container/situation-for.js';
import { execPlanOf } from '../container/steps/exec-steps.js';
import { hostArch } from '../sys/abi.js';
import type { Driver, Job } from './driver.js';
import { launched } from './launched.js';
import { type ObserveOptions, observedPlan } from './observe.js';
import { probeByRunning } from './probe-by-running.js';

export function jobConfig(job: Job, id: string, rootless: Situation['rootless']): OciConfig {
  const { memoryBytes, cpus, pids } = job.limits;
  return defaultConfig({
    id,
    rootfs: job.rootfs,
    command: job.command,
    env: job.env,
    seccomp: defaultSeccomp(hostArch(), DEFAULT_CAPABILITIES),
    ...(rootless ? { rootless } : {}),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pids === undefined ? {} : { pids }),
  });
}

/** The plan of one observed start, and the cgroups that it makes. */
export function startPlan(config: OciConfig, situation: Situation, files: ObserveOptions) {
  let directories: string[] = [];
  const plan = observedPlan(
    situation.arch,
    (b, stamps) => {
      const container = compileContainer(b, config, situation);
      directories = container.cgroupDirectories;
      return {
        create: (pid) => container.create(pid),
        enter: () => container.enter({ rooted: () => stamps.stamp('rooted', 't2: the container has its own root') }),
        drop: () => container.drop(),
        confine: () => container.confine(),
        exec: () => container.exec(),
        after: () => container.after(),
      };
    },
    files,
  );
  return { plan, directories };
}

export const driver: Driver = {
  name: 'container',
  boundary: 'namespaces',
  summary: "vlab's own container: processes of the host's kernel in namespaces and cgroups of their own",
  probe: () =>
    probeByRunning(driver, { mend: 'run it as root, or allow unprivileged user namespaces; see `vlab doctor`' }),
  async prepare(job) {
    const situation = await situationFor(jobConfig(job, 'facts', undefined));
    return launched({
      job,
      cgroups: (id) => situation.cgroups.map(({ parent }) => join(parent, `${id}*`)),
      compile(id, files) {
        const config = jobConfig(job, id, situation.rootless);
        const { plan, directories } = startPlan(config, situation, files);
        return {
          plan,
          cgroups: directories,
          execPlan: (pid, command, more) =>
            observedPlan(
              situation.arch,
              (b) =>
                execPlanOf(b, { ...config, process: { ...config.process, args: [...command] } }, situation, { pid }),
              more,
            ),
        };
      },
    });
  },
};

/** The plan of a further program in a running container, with a monitor of its own (monitored-plan.ts). Pure. */
import type { JoinedCgroup } from '../../container/cgroup/cgroup.js';
import type { OciConfig } from '../../container/config/schema.js';
import { withinLimits } from '../../container/plan-limits.js';
import type { Situation } from '../../container/situation.js';
import { execPlanOf } from '../../container/steps/exec-steps.js';
import { findProgram } from '../../container/steps/program-steps.js';
import { OPEN_HOW_BYTES, withinRoot } from '../../container/steps/within-root.js';
import { directoryFlags, flags } from '../../sys/abi.js';
import { type Plan, PlanBuilder } from '../../sys/plan.js';
import { type MonitoredOptions, monitoredPlan } from './monitored-plan.js';

/** `config`: the container's, with the process to run. `container`: its first process on the host, and its cgroups. */
export function joinPlan(
  config: OciConfig,
  situation: Situation,
  container: { pid: number; cgroups: readonly JoinedCgroup[] },
  options: MonitoredOptions,
): Plan {
  return withinLimits(config, () => {
    const b = new PlanBuilder(situation.arch);
    const steps = execPlanOf(b, config, situation, container);
    if (steps.takeListener) throw new RangeError('nobody is asked about system calls here');
    return monitoredPlan(
      b,
      config.process,
      {
        create: (pid) => steps.create(pid),
        adopt: () => steps.adopt(),
        outside: () => {},
        enter: () => steps.enter(),
        terminalPlace() {
          const pts = b.word('pts');
          const how = withinRoot(b, directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC'));
          const found = [flags('AT_FDCWD'), b.str('/dev/pts'), how, OPEN_HOW_BYTES];
          b.step('openat2', found, "find the container's terminals, in its root", { result: pts });
          return { pts };
        },
        drop: () => steps.drop(),
        findProgram: () => findProgram(b, config),
        pass: (how) => steps.pass(how),
        exec: (failed, done) => steps.exec(failed, done),
        started: () => steps.started(),
      },
      options,
    );
  });
}

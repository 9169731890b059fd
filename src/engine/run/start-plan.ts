/** The plan that starts a container of the engine, with its monitor (monitored-plan.ts). Pure. */
import type { PlannedCgroup } from '../../container/cgroup/planned-cgroup.js';
import { compileContainer } from '../../container/compile.js';
import type { OciConfig } from '../../container/config/schema.js';
import { withinLimits } from '../../container/plan-limits.js';
import type { Situation } from '../../container/situation.js';
import { findProgram } from '../../container/steps/program-steps.js';
import type { RootMount } from '../../storage/root-mount.js';
import { type Plan, PlanBuilder } from '../../sys/plan.js';
import { type MonitoredOptions, monitoredPlan } from './monitored-plan.js';

export interface StartPlanOptions extends MonitoredOptions {
  rootMount?: RootMount | undefined;
}

export interface StartPlan {
  plan: Plan;
  /** `outside`: whoever answers `born` has written the maps of ids by then. */
  maps: ReturnType<typeof compileContainer>['maps'];
  warnings: string[];
}

/** Errors: those of compileContainer; RangeError for a filter that asks somebody about system calls. */
export function startPlan(
  config: OciConfig,
  situation: Situation,
  cgroup: PlannedCgroup,
  options: StartPlanOptions,
): StartPlan {
  return withinLimits(config, () => {
    const b = new PlanBuilder(situation.arch);
    const container = compileContainer(b, config, situation, cgroup, options.rootMount);
    if (container.takeListener) throw new RangeError('nobody is asked about system calls here');
    const plan = monitoredPlan(
      b,
      config.process,
      {
        create: (pid) => container.create(pid),
        adopt: () => container.adopt(),
        outside: (pid) => container.outside(pid),
        enter: () => container.enter({ rooted: () => {} }),
        terminalPlace: () => ({ pts: container.pts(), dev: container.dev() }),
        drop: () => container.drop(),
        findProgram: () => findProgram(b, config),
        pass: (how) => container.pass(how),
        exec: (failed, done) => container.exec(failed, done),
        started: () => container.started(),
      },
      options,
    );
    return { plan, maps: container.maps, warnings: container.warnings };
  });
}

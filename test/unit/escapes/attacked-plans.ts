/** The plans of a container that asks for what an attack needs: of `vlab run`, of `create` and of `exec`. Pure. */
import { execPlan } from '../../../src/container/exec-plan.js';
import { runPlan } from '../../../src/container/run-plan.js';
import type { Plan } from '../../../src/sys/plan.js';
import { type Change, changed, createdPlan } from '../container/config-plan.js';
import { SITUATIONS } from '../container/situations.js';

export function attackedPlans(asks: Change = () => {}): Plan[] {
  const config = changed(asks);
  const running = { pid: 1, cgroups: [] };
  return [
    runPlan(config, SITUATIONS.hybrid, { relayPath: '/relay' }).plan,
    createdPlan(asks).plan,
    execPlan(config, SITUATIONS.hybrid, running, {
      preserved: [],
      ownedStdio: [],
      foreground: { relayPath: '/relay' },
    }),
  ];
}

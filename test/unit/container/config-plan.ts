/** Plans of configurations that `vlab run` has no words for. Pure: the machine is written by hand. */

import { usualCgroup } from '../../../src/container/cgroup/planned-cgroup.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { createPlan } from '../../../src/container/create-plan.js';
import type { Situation } from '../../../src/container/situation.js';
import type { Step } from '../../../src/sys/plan.js';
import { showCall } from '../../../src/sys/show.js';
import { REQUEST, SITUATIONS } from './situations.js';

export type Change = (config: OciConfig) => void;

export const processWith =
  (properties: object): Change =>
  ({ process }) => {
    Object.assign(process, properties);
  };
export const linuxWith =
  (properties: object): Change =>
  ({ linux }) => {
    Object.assign(linux, properties);
  };

export function changed(change: Change): OciConfig {
  const config = structuredClone(defaultConfig(REQUEST));
  change(config);
  return config;
}

/** The plan of `create`, as vlab-oci makes it. */
export function createdPlan(change: Change, situation: Situation = SITUATIONS.hybrid) {
  const config = changed(change);
  const options = { fifos: { start: '/s', outcome: '/o' }, preserved: [], ownedStdio: [], answersBorn: false };
  const cgroup = usualCgroup(config, situation);
  const listener = config.linux.seccomp?.listenerPath ? { listenerBytes: 256 } : {};
  const hooks = config.hooks ? { answersBorn: true, stateBytes: { creating: 64, created: 64 } } : {};
  return createPlan(config, situation, cgroup, { ...options, ...listener, ...hooks, answersMounted: false });
}

/** Its steps as calls, those that are asked for. */
export function callsOf(change: Change, which: (step: Step) => boolean, situation?: Situation): string[] {
  return createdPlan(change, situation).plan.steps.filter(which).map(showCall);
}

export const from = (path: string) => (step: Step) => step.from?.startsWith(path) ?? false;

/** Why there is no such plan, without the file's name. */
export function refusal(change: Change, situation?: Situation): string {
  try {
    createdPlan(change, situation);
  } catch (error) {
    return (error as Error).message.replace('config.json: ', '');
  }
  return 'nothing was refused';
}

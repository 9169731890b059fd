/** A further program in a running container: performs the plan of it and answers what it tells. */

import { VlabError } from '../base/errors.js';
import type { JoinedCgroup } from '../container/cgroup/cgroup.js';
import type { OciConfig } from '../container/config/schema.js';
import { readPid } from '../container/conversation.js';
import { type ExecOptions, execPlan } from '../container/exec-plan.js';
import { exitCodeOf } from '../container/foreground-steps.js';
import { readSituation } from '../container/situation.js';
import { withFilter } from '../container/situation-for.js';
import { AGREED, REFUSED } from '../sys/agreement.js';
import { hasEnded, type Process, processOf } from '../sys/owners.js';
import { signalIfThere } from '../sys/signal.js';
import type { Caller } from './caller.js';
import { asStartFailure } from './failure.js';

export interface RunningContainer {
  init: Process;
  cgroups: readonly JoinedCgroup[];
}

/**
 * `config`: the container's, with the process to run. `born` gets its pid before it runs, and may have states for it
 * (conversation.ts). Returns its exit code, or undefined without `foreground`, when it runs. Error (`operation`): it could not be run; it does not run then.
 */
export async function execIn(
  caller: Caller,
  config: OciConfig,
  { init, cgroups }: RunningContainer,
  options: ExecOptions,
  born: (pid: number) => Buffer = () => Buffer.alloc(0),
): Promise<number | undefined> {
  const situation = await withFilter(config, readSituation([]));
  const plan = execPlan(config, situation, { pid: init.pid, cgroups }, options);
  const performance = await caller.perform(plan, { foreground: options.foreground !== undefined });
  const talk: { process?: Process; started: boolean; exitCode?: number; trouble?: unknown } = { started: false };
  const listen = (payload: Buffer) => {
    if (!talk.process) {
      // The performer holds a process of that pid, so from now on it cannot become another's.
      if (hasEnded(init)) throw new VlabError('operation', 'cannot exec: the container has ended');
      talk.process = processOf(readPid(payload));
      performance.answer(Buffer.concat([AGREED, born(talk.process.pid)]));
    } else if (payload.length > 8) {
      talk.exitCode = exitCodeOf(payload);
      const code = Buffer.alloc(4);
      code.writeInt32LE(talk.exitCode);
      performance.answer(code);
    } else talk.started = true;
  };
  performance.onNote = (payload) => {
    try {
      listen(payload);
    } catch (error) {
      talk.trouble = error; // which only `born` makes
      performance.answer(REFUSED);
    }
  };
  const outcome = await performance.ended.catch((error: unknown) => error as Error);
  if (talk.exitCode !== undefined) return talk.exitCode;
  const { process, started, trouble } = talk;
  if ((trouble || outcome instanceof Error) && process && !started && !hasEnded(process)) {
    signalIfThere(process.pid, 'SIGKILL');
  }
  if (trouble) throw trouble;
  if (outcome instanceof Error) throw outcome;
  if (outcome.failure) throw asStartFailure(outcome.failure, config, outcome.reply);
  return undefined;
}

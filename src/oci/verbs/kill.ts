import { VlabError } from '../../base/errors.js';
import { signalNumber } from '../../base/signals.js';
import { processesOf } from '../../container/cgroup/processes.js';
import { hostArch } from '../../sys/abi.js';
import { hasEnded } from '../../sys/owners.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { findContainer } from '../locked-container.js';
import { signalPlan } from '../signal-plan.js';

/** runtime.md, "Kill": a signal to the container's first process, with --all to every one. */
export const kill: Verb = async (invocation) => {
  const { caller, flags, rest } = invocation;
  const container = namedContainer(invocation);
  const signal = signalNumber(rest[1] ?? 'SIGTERM');
  const { record, status } = findContainer(container);
  const { init } = record;
  const all = flags.has('all');
  if (status === 'creating' || (status === 'stopped' && !all) || !init) {
    throw new VlabError('operation', `cannot kill container ${container.id}: container not running`);
  }
  const pids = all ? processesOf(record.cgroup) : [init.pid];
  const performance = await caller.perform(signalPlan(hostArch(), pids, signal));
  performance.onNote = () => {
    if (!all && hasEnded(init)) void performance.cancel();
    else performance.answer(Buffer.from('.'));
  };
  const ended = await performance.ended.catch((error: unknown) => {
    if (!all && hasEnded(init))
      throw new VlabError('operation', `cannot kill container ${container.id}: container not running`);
    throw error;
  });
  if (ended.failure) throw ended.failure;
  return DONE;
};

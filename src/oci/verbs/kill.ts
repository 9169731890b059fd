import { VlabError } from '../../base/errors.js';
import { signalNumber } from '../../base/signals.js';
import { resumeKilled } from '../../container/cgroup/freezer.js';
import { killAll } from '../../container/cgroup/kill.js';
import { hostArch } from '../../sys/abi.js';
import { AGREED, REFUSED } from '../../sys/agreement.js';
import { hasEnded } from '../../sys/owners.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { findContainer } from '../locked-container.js';
import { signalPlan } from '../signal-plan.js';

const SIGKILL = 9;

/** runtime.md, "Kill": a signal to the container's first process, with --all to every one. */
export const kill: Verb = async (invocation) => {
  const { caller, flags, rest } = invocation;
  const container = namedContainer(invocation);
  const signal = signalNumber(rest[1] ?? 'SIGTERM');
  const { record, status } = findContainer(container);
  const { init } = record;
  const all = flags.has('all');
  const notRunning = () => new VlabError('operation', `cannot kill container ${container.id}: container not running`);
  if (status === 'creating' || (status === 'stopped' && !all) || !init) throw notRunning();
  // Without a cgroup nobody knows all of them; those of its pid namespace end with the first.
  if (all && record.cgroup.directories.length > 0) {
    await killAll(record.cgroup, signal);
    return DONE;
  }
  const performance = await caller.perform(signalPlan(hostArch(), init.pid, signal));
  performance.onNote = () => performance.answer(hasEnded(init) ? REFUSED : AGREED);
  const { failure } = await performance.ended;
  if (failure) throw hasEnded(init) ? notRunning() : failure;
  if (signal === SIGKILL && status === 'paused') await resumeKilled(record.cgroup);
  return DONE;
};

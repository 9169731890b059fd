import { resolve } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { readPid } from '../../container/conversation.js';
import { execPlan } from '../../container/exec-plan.js';
import { exitCodeOf } from '../../container/foreground-steps.js';
import { readSituation } from '../../container/situation.js';
import { withFilter } from '../../container/situation-for.js';
import { nativeBinary } from '../../sys/native.js';
import { checkTerminal, ownedStdio, passedDescriptors, writePidFile } from '../create-container.js';
import { execProcess } from '../exec-process.js';
import { asStartFailure } from '../failure.js';
import { namedContainer, type Verb } from '../invocation.js';
import { findContainer } from '../locked-container.js';

/** What runc's callers expect of an exec that could not be started. */
const NOT_STARTED = 255;

/** A further program in a running container; its exit code, or at once with --detach. */
export const exec: Verb = async (invocation) => {
  const { caller, flags } = invocation;
  const { container, record, status } = findContainer(namedContainer(invocation));
  if (status === 'stopped' || status === 'creating' || !record.init) {
    throw new VlabError('operation', `cannot exec in a container that is ${status}`, { exitCode: NOT_STARTED });
  }
  if (status === 'paused' && !flags.has('ignore-paused')) {
    throw new VlabError('operation', `cannot exec in container ${container.id}: it is paused`, {
      hint: 'resume it first; --ignore-paused waits until it is',
      exitCode: NOT_STARTED,
    });
  }
  const config = container.config();
  const process = execProcess(invocation, config);
  const foreground = !flags.has('detach');
  const consoleSocket = flags.string('console-socket');
  checkTerminal(process.terminal === true, consoleSocket, foreground);
  const running = { pid: record.init.pid, cgroupDirectories: record.cgroup.directories.map(({ path }) => path) };
  const situation = await withFilter(config, readSituation([]));
  const plan = execPlan({ ...config, process }, situation, running, {
    ...(consoleSocket === undefined ? {} : { consoleSocket: resolve(caller.cwd, consoleSocket) }),
    ...(foreground ? { foreground: { relayPath: await nativeBinary('vlab-relay') } } : {}),
    preserved: passedDescriptors(invocation),
    ownedStdio: ownedStdio(caller),
  });
  let exitCode: number | undefined;
  let pid: number | undefined;
  const performance = await caller.perform(plan, { foreground });
  performance.onNote = (payload) => {
    if (pid === undefined) {
      pid = readPid(payload);
      writePidFile(invocation, pid);
    } else if (payload.length > 8) {
      exitCode = exitCodeOf(payload);
      performance.answer(payload.subarray(0, 4).fill(exitCode, 0, 1).fill(0, 1));
    }
  };
  const outcome = await performance.ended.catch((error: unknown) => error as Error);
  if (exitCode !== undefined) return { exitCode, ended: true };
  if (outcome instanceof Error) throw outcome;
  if (outcome.failure) {
    const { message, hint } = asStartFailure(outcome.failure, { ...config, process });
    throw new VlabError('operation', `exec failed: ${message}`, {
      exitCode: NOT_STARTED,
      cause: outcome.failure,
      ...(hint ? { hint } : {}),
    });
  }
  return { exitCode: 0 };
};

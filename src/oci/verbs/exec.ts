import { resolve } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { readPid } from '../../container/conversation.js';
import { execPlan } from '../../container/exec-plan.js';
import { exitCodeOf } from '../../container/foreground-steps.js';
import { readSituation } from '../../container/situation.js';
import { withFilter } from '../../container/situation-for.js';
import { nativeBinary } from '../../sys/native.js';
import { hasEnded, type Process, processOf } from '../../sys/owners.js';
import { signalIfThere } from '../../sys/signal.js';
import { checkTerminal, ownedStdio, passedDescriptors } from '../descriptors.js';
import { execProcess } from '../exec-process.js';
import { asStartFailure } from '../failure.js';
import { namedContainer, type Verb } from '../invocation.js';
import { findContainer } from '../locked-container.js';
import { removePidFile, writePidFile } from '../pid-file.js';
import { processState, processStateBytes } from '../process-state.js';
import { ociState } from '../state.js';

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
  const state = ociState(record, status);
  const listenerBytes = processStateBytes(config, state);
  const plan = execPlan({ ...config, process }, situation, running, {
    ...(consoleSocket === undefined ? {} : { consoleSocket: resolve(caller.cwd, consoleSocket) }),
    ...(foreground ? { foreground: { relayPath: await nativeBinary('vlab-relay') } } : {}),
    preserved: passedDescriptors(invocation),
    ownedStdio: ownedStdio(caller),
    ...(listenerBytes === undefined ? {} : { listenerBytes }),
  });
  const { init } = record;
  let exitCode: number | undefined;
  let born: Process | undefined;
  let started = false;
  const performance = await caller.perform(plan, { foreground });
  performance.onNote = (payload) => {
    if (!born) {
      // The performer holds a process of that pid, so from now on it cannot become another's.
      if (hasEnded(init)) throw new VlabError('operation', 'cannot exec: the container has ended');
      born = processOf(readPid(payload));
      writePidFile(invocation, born.pid);
      performance.answer(
        listenerBytes === undefined ? Buffer.from('.') : processState(config, state, born.pid, listenerBytes),
      );
    } else if (payload.length > 8) {
      exitCode = exitCodeOf(payload);
      const code = Buffer.alloc(4);
      code.writeInt32LE(exitCode);
      performance.answer(code);
    } else started = true;
  };
  const outcome = await performance.ended.catch((error: unknown) => error as Error);
  if (exitCode !== undefined) return { exitCode, ended: true };
  if (!started || outcome instanceof Error) removePidFile(invocation);
  if (outcome instanceof Error) {
    if (born && !started && !hasEnded(born)) signalIfThere(born.pid, 'SIGKILL');
    throw outcome;
  }
  if (outcome.failure) {
    const { message, hint } = asStartFailure(outcome.failure, { ...config, process }, outcome.reply);
    throw new VlabError('operation', `exec failed: ${message}`, {
      exitCode: NOT_STARTED,
      cause: outcome.failure,
      ...(hint ? { hint } : {}),
    });
  }
  return { exitCode: 0 };
};

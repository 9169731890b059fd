import { resolve } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { execDirectories } from '../../container/cgroup/exec-directories.js';
import { nativeBinary } from '../../sys/native.js';
import { checkTerminal, ownedStdio, passedDescriptors } from '../descriptors.js';
import { execIn } from '../exec-in.js';
import { execProcess } from '../exec-process.js';
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
  const running = {
    init: record.init,
    cgroups: execDirectories(record.cgroup, record.init.pid, flags.list('cgroup')),
  };
  const state = ociState(record, status);
  const listenerBytes = processStateBytes(config, state);
  const options = {
    ...(consoleSocket === undefined ? {} : { consoleSocket: resolve(caller.cwd, consoleSocket) }),
    ...(foreground ? { foreground: { relayPath: await nativeBinary('vlab-relay') } } : {}),
    preserved: passedDescriptors(invocation),
    ownedStdio: ownedStdio(caller),
    ...(listenerBytes === undefined ? {} : { listenerBytes }),
  };
  try {
    const exitCode = await execIn(caller, { ...config, process }, running, options, (pid) => {
      writePidFile(invocation, pid);
      return listenerBytes === undefined ? Buffer.alloc(0) : processState(config, state, pid, listenerBytes);
    });
    return exitCode === undefined ? { exitCode: 0 } : { exitCode, ended: true };
  } catch (error) {
    removePidFile(invocation);
    if (!(error instanceof VlabError)) throw error;
    const { blame, message, hint } = error;
    throw new VlabError(blame, `exec failed: ${message}`, {
      exitCode: NOT_STARTED,
      cause: error,
      ...(hint ? { hint } : {}),
    });
  }
};

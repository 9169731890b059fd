/** A container in the foreground: this process's streams, terminal and signals are the program's, and so is its exit code. */
import { VlabError } from '../base/errors.js';
import type { ContainerDefinition } from '../engine/define/definition.js';
import { settleUnlessGone } from '../engine/life/signal-container.js';
import { startContainer } from '../engine/life/start-container.js';
import type { ContainerRecord } from '../engine/record/records.js';
import { inForeground } from './attached/foreground.js';
import { Session } from './attached/session.js';
import { startOrUndo } from './start-or-undo.js';

export interface AttachedRun {
  record: ContainerRecord;
  /** It was made just now: it is removed when it cannot be started and was to be removed at its end. */
  isNew?: boolean;
  attach: ContainerDefinition['attach'];
  detachKeys?: string | undefined;
  sigProxy: boolean;
  /** Where its output goes; default: this process's standard output. */
  stdout?: NodeJS.WritableStream;
}

/** Starts it and stays until its end, or until somebody leaves it by the keys. Returns the exit code. Errors: those of the start. */
export async function runAttached(run: AttachedRun): Promise<number> {
  const { record, attach, detachKeys, sigProxy, stdout } = run;
  const { id, definition } = record;
  const { tty, openStdin } = definition;
  using session = new Session({
    ...{ tty, stdin: attach.stdin && openStdin, stdout: attach.stdout, stderr: attach.stderr && !tty },
    ...{ detachKeys, waits: true },
  });
  const streams = stdout && attach.stdout ? { ...session.streams, stdout } : session.streams;
  const options = { attach: streams, waits: true };
  const started = await (run.isNew ? startOrUndo(record, options) : startContainer(id, options));
  if (!started) {
    throw new VlabError('operation', `container ${id.slice(0, 12)} runs already`, {
      hint: '`vlab attach` shows its output',
    });
  }
  const { exitCode } = await inForeground(session, started, { sigProxy });
  if (exitCode === undefined) return 0;
  await settleUnlessGone(id);
  return exitCode;
}

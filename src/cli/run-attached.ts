/** A container in the foreground: this process's streams, terminal and signals are the program's, and so is its exit code. */
import { constants } from 'node:os';
import type { ReadStream, WriteStream } from 'node:tty';
import { VlabError } from '../base/errors.js';
import type { ContainerDefinition } from '../engine/definition.js';
import type { ContainerRecord } from '../engine/records.js';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../engine/run/detach-keys.js';
import type { Attachment, AttachStreams, WindowSize } from '../engine/run/start-request.js';
import { settleUnlessGone } from '../engine/signal-container.js';
import { startContainer } from '../engine/start-container.js';
import { hasEnded, type Process } from '../sys/owners.js';
import { signalIfThere } from '../sys/signal.js';
import { startOrUndo } from './start-or-undo.js';

export interface AttachedRun {
  id: string;
  definition: ContainerDefinition;
  /** Of one that was just made: it is removed when it cannot be started and was to be removed at its end. */
  record?: ContainerRecord;
  attach: ContainerDefinition['attach'];
  detachKeys?: string | undefined;
  /** Default: signals are passed on, but to a terminal. */
  signalProxy?: boolean | undefined;
  /** Where its output goes; default: this process's standard output. */
  stdout?: NodeJS.WritableStream;
}

/** Starts it and stays until its end, or until somebody leaves it by the keys. Returns the exit code. Errors: those of the start. */
export async function runAttached(run: AttachedRun): Promise<number> {
  const { id, definition } = run;
  const streams = attachStreams(run);
  const options = { attach: streams, waits: true };
  const started = await (run.record ? startOrUndo(run.record, options) : startContainer(id, options));
  if (!started) {
    throw new VlabError('operation', `container ${id.slice(0, 12)} runs already`, {
      hint: 'vlab attach shows its output',
    });
  }
  using _signals = passSignals(started.init, run.signalProxy ?? !definition.tty);
  const { attachment, ended } = started;
  if (attachment) {
    using _terminal = holdTerminal(definition.tty && run.attach.stdin, attachment);
    if ((await attachment.over) === 'detached') return 0;
  }
  const end = await ended;
  await settleUnlessGone(id);
  return end?.exitCode ?? 0;
}

export function attachStreams({ definition, attach, detachKeys, stdout = process.stdout }: AttachedRun): AttachStreams {
  const { tty, openStdin } = definition;
  if (tty && attach.stdin && openStdin && !process.stdin.isTTY) {
    throw new VlabError('input', 'the input device is not a TTY', {
      hint: 'leave out -t, or run it in a terminal',
      exitCode: 1,
    });
  }
  const size = windowSize();
  return {
    ...(attach.stdin && openStdin ? { stdin: process.stdin } : {}),
    ...(attach.stdout ? { stdout } : {}),
    ...(attach.stderr && !tty ? { stderr: process.stderr } : {}),
    ...(tty && process.stdin.isTTY ? { detachKeys: parseDetachKeys(detachKeys || DEFAULT_DETACH_KEYS) } : {}),
    ...(tty && size ? { size } : {}),
    waits: true,
  };
}

function windowSize(): WindowSize | undefined {
  const { rows, columns } = process.stdout as WriteStream;
  return rows && columns ? { rows, columns } : undefined;
}

/** What is typed goes to the program as it is; its window has the size of this one. Undone at the end. */
export function holdTerminal(interactive: boolean, attachment: Attachment): Disposable {
  const input = process.stdin as ReadStream;
  const raw = interactive && input.isTTY === true;
  const resize = () => {
    const size = windowSize();
    if (size) attachment.resize(size);
  };
  if (raw) input.setRawMode(true);
  process.stdout.on('resize', resize);
  return {
    [Symbol.dispose]() {
      process.stdout.off('resize', resize);
      if (raw) input.setRawMode(false);
      input.pause();
    },
  };
}

/** Node keeps these for itself, or they cannot be caught, or they are about this process only. */
const NOT_PASSED = new Set([
  'SIGKILL',
  'SIGSTOP',
  'SIGCHLD',
  'SIGPROF',
  'SIGPIPE',
  'SIGSEGV',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGWINCH',
  'SIGURG',
]);

/** docker's --sig-proxy. A first process without a handler ignores signals (pid_namespaces(7)): who asks three times means it. */
export function passSignals(init: Process, wanted: boolean): Disposable {
  const names = wanted
    ? (Object.keys(constants.signals) as NodeJS.Signals[]).filter((name) => !NOT_PASSED.has(name))
    : [];
  let asked = 0;
  const pass = (signal: NodeJS.Signals) => {
    if (hasEnded(init)) return;
    if (signal === 'SIGINT' || signal === 'SIGTERM') asked++;
    signalIfThere(init.pid, asked >= 3 ? 'SIGKILL' : signal);
  };
  for (const name of names) process.on(name, pass);
  return {
    [Symbol.dispose]() {
      for (const name of names) process.off(name, pass);
    },
  };
}

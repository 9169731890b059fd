import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { errnoOf } from '../../base/errors.js';
import { explainNotRun } from '../../vm/explain-end.js';
import { Machine } from '../../vm/machine.js';
import type { MachineRequest } from '../../vm/prepare-vm.js';
import type { Qemu } from '../../vm/probe-qemu.js';
import { Interrupted } from '../interrupt.js';

export interface RunVmOptions {
  qemu: Qemu;
  deadlineMs: number | undefined;
  /** Where the program's standard output goes. */
  output: Writable;
  /** The kernel's console goes to standard error. */
  console: boolean;
}

export interface VmEnded {
  exitCode: number;
  end: { code: number } | { signal: number };
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const;

/** Runs the machine attached to this process's standard descriptors and signals. */
export async function runVm(request: MachineRequest, options: RunVmOptions): Promise<VmEnded> {
  const abort = new AbortController();
  let machine: Machine | undefined;
  // Before the program runs there is nobody in the guest to tell: the machine ends.
  const onSignal = (name: NodeJS.Signals): void => {
    if (machine?.progress.exec) machine.signal(constants.signals[name]);
    else abort.abort(new Interrupted(name as 'SIGINT' | 'SIGTERM' | 'SIGHUP'));
  };
  for (const name of FORWARDED) process.on(name, onSignal);
  try {
    machine = await Machine.start(request, {
      qemu: options.qemu,
      deadlineMs: options.deadlineMs,
      signal: abort.signal,
      onConsole: options.console ? (chunk) => process.stderr.write(chunk) : undefined,
    });
    const outputs = Promise.all([drain(machine.stdout, options.output), drain(machine.stderr, process.stderr)]);
    passInput(machine.stdin);
    const end = await machine.wait();
    await outputs;
    if (end.kind === 'not-run') throw explainNotRun(end.errno, request.command[0] ?? '');
    return end.kind === 'exited'
      ? { exitCode: end.code, end: { code: end.code } }
      : { exitCode: 128 + end.signal, end: { signal: end.signal } };
  } finally {
    for (const name of FORWARDED) process.off(name, onSignal);
    process.stdin.unpipe();
    process.stdin.destroy();
    await machine?.[Symbol.asyncDispose]();
  }
}

/** Copies until the end; when the reader has gone, the rest is read and dropped, so that the guest is not stopped by it. */
async function drain(from: Readable, to: Writable): Promise<void> {
  const gone = (error: Error): void => {
    if (errnoOf(error) !== 'EPIPE') return;
    from.unpipe(to);
    from.resume();
  };
  to.on('error', gone);
  from.pipe(to, { end: false });
  await finished(from, { writable: false }).catch(() => {});
  to.off('error', gone);
}

function passInput(to: Writable | undefined): void {
  if (!to) return;
  to.on('error', () => {}); // a guest that has ended reads no more
  process.stdin.pipe(to);
}

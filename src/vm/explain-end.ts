/** Why a machine ended without its program having been run to an end: one sentence and what to do. Pure. */
import { VlabError } from '../base/errors.js';
import { errnoName } from '../sys/abi.js';
import type { Plan } from '../sys/plan.js';
import { showCall } from '../sys/show.js';

/** All that was seen of a machine. */
export interface Traces {
  plan: Plan;
  memoryMiB: number;
  accelerator: 'kvm' | 'tcg';
  /** The last part of what the guest wrote on its console. */
  console: string;
  /** The last part of QEMU's standard error. */
  qemuStderr: string;
  /** How QEMU ended; undefined while it runs. */
  qemuExit: { code: number | undefined; signal: string | undefined } | undefined;
  /** `reason` of the QMP event SHUTDOWN. */
  shutdown: string | undefined;
  up: boolean;
  exec: boolean;
  garbled: string | undefined;
}

/** docker's code for "the thing around the program failed", and timeout(1)'s for a deadline. */
export const VM_FAILED = 125;
export const VM_DEADLINE = 124;

/** The guest ended, QEMU ended, or neither: told from the most specific trace to the least. */
export function explainEnd(traces: Traces): VlabError {
  return (
    failedStep(traces) ??
    outOfMemory(traces) ??
    panic(traces) ??
    qemuFailed(traces) ??
    (traces.garbled === undefined ? undefined : failure(`the guest does not follow the protocol: ${traces.garbled}`)) ??
    failure(
      `the guest ended before it told how the program did (${traces.shutdown ?? 'no reason'})${lastLine(traces)}`,
      {
        hint: 'run it again with --console to see what the kernel says',
      },
    )
  );
}

export function explainDeadline(traces: Traces, deadlineMs: number): VlabError {
  const seconds = `${deadlineMs / 1000} s`;
  const options = { exitCode: VM_DEADLINE, hint: 'give it longer with --deadline' };
  if (traces.exec) return new VlabError('operation', `the program in the guest still ran after ${seconds}`, options);
  const how = traces.up ? 'came up but did not run the program' : 'did not come up';
  return new VlabError('operation', `the guest ${how} within ${seconds}${lastLine(traces)}`, {
    ...options,
    hint:
      traces.accelerator === 'kvm'
        ? 'KVM may not be able to run Linux here: try --accel tcg, or run `vlab doctor`'
        : options.hint,
  });
}

/** A program that could not be run, with a shell's codes: 127 when it is not there, 126 otherwise. */
export function explainNotRun(errno: number, command: string): VlabError {
  const name = errnoName(errno);
  return new VlabError('input', `the guest cannot run ${command}: ${name}`, {
    exitCode: name === 'ENOENT' ? 127 : 126,
    hint:
      name === 'ENOENT'
        ? `${command} is not in the root file system, or its interpreter or loader is not`
        : `is ${command} an executable for this processor?`,
  });
}

function failure(message: string, options: { hint?: string } = {}): VlabError {
  return new VlabError('operation', message, { exitCode: VM_FAILED, ...options });
}

/** vlab-init tells the number of the step; the plan tells what that step was for. */
function failedStep({ plan, console }: Traces): VlabError | undefined {
  const match = /vlab-init: step (\d+) (errno|result) (\d+)/.exec(console);
  const step = plan.steps[Number(match?.[1])];
  if (!match || !step) return undefined;
  const result = match[2] === 'errno' ? errnoName(Number(match[3])) : `result ${match[3]}`;
  return failure(`the guest could not ${step.why}: step ${match[1]}, ${showCall(step)}: ${result}`, {
    hint: step.hint ?? 'run it again with --show-plan to see the steps that lead here',
  });
}

function outOfMemory({ console, memoryMiB }: Traces): VlabError | undefined {
  const signs = /Out of memory|System is deadlocked on memory|Initramfs unpacking failed: write error|No space left/;
  if (!signs.test(console)) return undefined;
  return failure(`the guest ran out of memory (it has ${memoryMiB} MiB)`, { hint: 'give it more with --memory' });
}

function panic({ console }: Traces): VlabError | undefined {
  const why = /Kernel panic - not syncing: (.*)/.exec(console)?.[1]?.trim();
  if (why === undefined) return undefined;
  return failure(`the guest's kernel panicked: ${why}`, { hint: 'run it again with --console to see what led there' });
}

const QEMU_MENDS: readonly (readonly [sign: RegExp, hint: string])[] = [
  [
    /Could not access KVM|failed to initialize kvm|KVM kernel module/i,
    'use --accel tcg, or see `vlab doctor` about KVM',
  ],
  [/Cannot allocate memory|cannot set up guest memory/i, 'give the machine less with --memory'],
  [/could not load kernel|invalid kernel header|unsupported kernel/i, 'use another kernel: `vlab kernel ls`'],
  [/initrd is too large/i, 'give the machine more memory with --memory'],
];

function qemuFailed({ qemuExit, qemuStderr }: Traces): VlabError | undefined {
  if (!qemuExit || qemuExit.code === 0) return undefined;
  const how = qemuExit.signal === undefined ? `code ${qemuExit.code}` : qemuExit.signal;
  const said = qemuStderr.trim().split('\n').at(-1) ?? '';
  const mend = QEMU_MENDS.find(([sign]) => sign.test(qemuStderr))?.[1];
  return failure(`QEMU ended with ${how}${said ? `: ${said}` : ''}`, {
    hint: mend ?? 'run it again with --show-argv and try that command by hand',
  });
}

function lastLine({ console }: Traces): string {
  const line = console.trim().split('\n').at(-1)?.trim();
  return line ? `; its last line on the console: ${line}` : '; its console is empty';
}

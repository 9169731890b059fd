/** `vlab-oci` in a Node process of its own: plans are performed by children of it. */
import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoOf } from '../base/errors.js';
import type { Passed } from '../container/steps/descriptor-steps.js';
import { startOnce } from '../sys/perform-once.js';
import { signalIfThere } from '../sys/signal.js';
import type { Caller } from './caller.js';
import { notOpen } from './not-open.js';
import { runWords } from './run-words.js';

/** How `vlab planner start` starts it. */
const SERVE_PLANNER = '--serve-planner';

export async function main(words: readonly string[]): Promise<void> {
  if (words[0] === SERVE_PLANNER) {
    const { servePlanner } = await import('./planner.js');
    servePlanner();
    return;
  }
  const { stdout, stderr, exitCode } = await runWords(new ColdCaller(words));
  if (stdout) process.stdout.write(stdout);
  if (stderr) process.stderr.write(stderr);
  process.exitCode = exitCode;
}

class ColdCaller implements Caller {
  readonly cwd = process.cwd();
  readonly env = process.env;
  /** The caller's descriptors, in the order in which the performer gets them from 4 on. */
  private passed: number[] = [];

  constructor(readonly words: readonly string[]) {}

  stdioMode(number: number): number | undefined {
    return modeOf(number);
  }

  pass(count: number): Passed[] {
    const numbers = Array.from({ length: count }, (_, index) => 3 + index);
    const closed = numbers.find((number) => modeOf(number) === undefined);
    if (closed !== undefined) throw notOpen(closed);
    // The performer's 3 is its channel: what the caller has there comes behind the others, which keep their numbers.
    this.passed = [...numbers.slice(1), ...numbers.slice(0, 1)];
    return numbers.map((number) => ({ number, at: number === 3 ? 3 + count : number }));
  }

  async perform(plan: Parameters<Caller['perform']>[0], { foreground = false } = {}) {
    const started = await startOnce(plan, {
      stdio: ['inherit', 'inherit', 'inherit'],
      descriptors: this.passed,
      ownSession: foreground,
    });
    if (foreground) passSignalsTo(started.pid);
    return started;
  }
}

function modeOf(number: number): number | undefined {
  try {
    return fstatSync(number).mode;
  } catch (error) {
    if (errnoOf(error) === 'EBADF') return undefined;
    throw error;
  }
}

/** Node keeps these for itself, or they cannot be caught. */
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
]);

function passSignalsTo(pid: number): void {
  for (const signal of Object.keys(constants.signals) as NodeJS.Signals[]) {
    if (!NOT_PASSED.has(signal)) process.on(signal, () => signalIfThere(pid, signal));
  }
}

/** The caller of a command in a Node process of its own: plans are performed by children of that. */
import { closeSync, fstatSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoOf } from '../base/errors.js';
import type { Passed } from '../container/steps/descriptor-steps.js';
import { type Process, processOf } from '../sys/owners.js';
import { type Performer, startPerformer } from '../sys/perform-once.js';
import { signalIfThere } from '../sys/signal.js';
import type { Caller } from './caller.js';
import { mustBeOpen, openNumbers } from './open-numbers.js';

/** What a person or a supervisor ends a command with. */
const INTERRUPTING = ['SIGINT', 'SIGTERM'] as const;

export class ColdCaller implements Caller {
  readonly cwd = process.cwd();
  readonly env = process.env;
  /** The caller's descriptors, in the order in which the performer gets them from 4 on. */
  private passed: number[] = [];
  private ready: Performer | undefined;
  private readonly interrupted = new AbortController();
  private listens = false;
  /** Signals belong to the program that the performer waits for. */
  private foreground = false;
  interruptedBy: NodeJS.Signals | undefined;

  /** `stdin: 'ignore'`: what it performs reads nothing. */
  constructor(
    readonly words: readonly string[],
    private readonly stdin: 'inherit' | 'ignore' = 'inherit',
  ) {}

  /** From the first look on, whoever ends the command ends it in order. */
  get gone(): AbortSignal {
    if (!this.listens) for (const signal of INTERRUPTING) process.once(signal, () => this.interrupt(signal));
    this.listens = true;
    return this.interrupted.signal;
  }

  stdioMode(number: number): number | undefined {
    return modeOf(number);
  }

  pass(count: number): Passed[] {
    const numbers = openNumbers(count, isInherited);
    // The performer's 3 is its channel: what the caller has there comes behind the others, which keep their numbers.
    this.passed = [...numbers.slice(1), ...numbers.slice(0, 1)];
    return numbers.map((number) => ({ number, at: number === 3 ? 3 + numbers.length : number }));
  }

  give(number: number) {
    mustBeOpen(number, modeOf(number) !== undefined);
    this.passed = [number];
    return { at: 4, letGo: () => closeSync(number) };
  }

  async performer(how: { foreground?: boolean } = {}): Promise<Process> {
    return processOf((await this.waiting(how)).pid);
  }

  async perform(plan: Parameters<Caller['perform']>[0], how: { foreground?: boolean } = {}) {
    const performer = await this.waiting(how);
    this.ready = undefined;
    const performance = performer.perform(plan);
    // It may wait for something that never comes, and would not see that the channel is closed.
    this.gone.addEventListener('abort', () => signalIfThere(performer.pid, 'SIGKILL'));
    return performance;
  }

  /** A performer that has no plan yet. */
  private async waiting({ foreground = false }: { foreground?: boolean }): Promise<Performer> {
    if (this.ready) return this.ready;
    this.ready = await startPerformer({
      stdio: [this.stdin, 'inherit', 'inherit'],
      descriptors: this.passed,
      ownSession: foreground,
    });
    this.foreground = foreground;
    if (foreground) passSignalsTo(this.ready.pid);
    return this.ready;
  }

  private interrupt(signal: NodeJS.Signals): void {
    if (this.foreground) return;
    this.interruptedBy = signal;
    this.interrupted.abort();
  }

  close(): void {
    this.ready?.dismiss();
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

/**
 * Node takes the lowest free numbers for itself, and an event queue first (epoll(7)): what is below that without a gap came
 * from the caller. `number`: those before it were asked for already.
 */
function isInherited(number: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${number}`) !== 'anon_inode:[eventpoll]';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
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

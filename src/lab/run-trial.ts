import { open } from 'node:fs/promises';
import { messageOf, VlabError } from '../base/errors.js';
import type { Checkpoints, Exit, Instance, Prepared } from '../drivers/driver.js';
import { bounded, DriverStuck } from './bounded.js';
import type { Outcome } from './row.js';
import { type ExpectedOutput, matchesOutput } from './scenario.js';

/** What became of one start. */
export type Started =
  | { outcome: 'ok'; checkpoints: Checkpoints & { requested: bigint } }
  | {
      outcome: Exclude<Outcome, 'ok'>;
      reason: string;
      requested: bigint | undefined;
      /** The driver ignored that it was cancelled: what it started may still be there. */
      stuck: boolean;
    };

export interface TrialLimits {
  deadlineMs: number;
  /** The whole run's signal: Ctrl-C. */
  signal: AbortSignal;
  graceMs?: number;
}

/** How long a clean-up may take when nobody is waiting for the run to end. */
const CLEAN_UP_MS = 10_000;
/** More of a program's output than this is not looked at. */
const MOST_OUTPUT_BYTES = 64 * 1024;

/**
 * One trial: starts the payload, waits for its end, and checks that it did what it should. Never throws: a failure is a
 * result with a reason. Between the request and the end of the payload nothing runs here but the wait and one timer.
 */
export async function runTrial(prepared: Prepared, expected: ExpectedOutput, limits: TrialLimits): Promise<Started> {
  const { deadlineMs, signal: run, graceMs } = limits;
  const trial = new AbortController();
  const cancel = (): void => trial.abort(run.reason);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    trial.abort(new Error(`not finished after ${deadlineMs} ms`));
  }, deadlineMs);
  if (run.aborted) cancel();
  else run.addEventListener('abort', cancel, { once: true });

  let instance: Instance | undefined;
  let failure: unknown;
  let exit: Exit | undefined;
  try {
    const starting = prepared.start(trial.signal);
    instance = await bounded(
      disposeIfLate(starting, () => failure !== undefined),
      trial.signal,
      'the start',
      graceMs,
    );
    exit = await waitForEnd(instance, trial.signal, graceMs);
  } catch (error) {
    failure = error ?? new Error('cancelled');
  } finally {
    clearTimeout(timer);
    run.removeEventListener('abort', cancel);
  }
  const interrupted = trial.signal.aborted;
  const checkpoints = { ...instance?.checkpoints };
  const complaint =
    failure === undefined && !interrupted && instance ? await wrongEnd(instance, exit, expected) : undefined;
  if (instance) {
    try {
      const patienceMs = run.aborted ? graceMs : CLEAN_UP_MS;
      await bounded(Promise.resolve(instance[Symbol.asyncDispose]()), AbortSignal.abort(), 'the clean-up', patienceMs);
    } catch (error) {
      failure ??= new VlabError('operation', `started, but could not be cleaned up: ${messageOf(error)}`, {
        cause: error,
      });
      if (error instanceof DriverStuck) failure = error;
    }
  }

  const { requested } = checkpoints;
  const stuck = failure instanceof DriverStuck;
  const failed = (outcome: Exclude<Outcome, 'ok'>, reason: string): Started => ({ outcome, reason, requested, stuck });
  const alsoStuck = stuck ? `; ${messageOf(failure)}` : '';
  if (interrupted && !late) return failed('cancelled', `stopped by the person${alsoStuck}`);
  if (late) return failed('timeout', `not finished after ${deadlineMs} ms${alsoStuck}`);
  if (failure !== undefined) return failed('failed', reasonOf(failure));
  if (complaint !== undefined) return failed('failed', complaint);
  if (requested === undefined) return failed('failed', 'the driver reported no time of the request');
  return { outcome: 'ok', checkpoints: { ...checkpoints, requested } };
}

/** Waits for the payload's end; when the trial is cancelled, kills it first. */
async function waitForEnd(instance: Instance, signal: AbortSignal, graceMs: number | undefined): Promise<Exit> {
  const kill = (): void => {
    instance.kill(9).catch(() => {});
  };
  if (signal.aborted) kill();
  else signal.addEventListener('abort', kill, { once: true });
  try {
    return await bounded(instance.wait(), signal, 'the program', graceMs);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** An instance that arrives after it was given up is removed as soon as it does. */
async function disposeIfLate(starting: Promise<Instance>, givenUp: () => boolean): Promise<Instance> {
  const instance = await starting;
  if (givenUp()) await instance[Symbol.asyncDispose]();
  return instance;
}

/** Why a start that came to its end does not count, or undefined when it does. */
async function wrongEnd(
  instance: Instance,
  exit: Exit | undefined,
  expected: ExpectedOutput,
): Promise<string | undefined> {
  if (exit?.signal !== undefined) return `the program was ended by signal ${exit.signal}${await lastWords(instance)}`;
  if (exit?.code !== expected.exit) {
    return `the program ended with ${exit?.code ?? 'no exit code'}, not ${expected.exit}${await lastWords(instance)}`;
  }
  if (expected.stdout !== undefined) {
    const stdout = await readStart(instance.stdoutPath);
    if (!matchesOutput(expected.stdout, stdout)) {
      return `the program said ${JSON.stringify(stdout.slice(0, 100))}, not ${JSON.stringify(expected.stdout.slice(0, 100))}`;
    }
  }
  if (instance.checkpoints.ready === undefined) return 'the program ended without ever being ready';
  return undefined;
}

async function lastWords(instance: Instance): Promise<string> {
  const line = (await readStart(instance.stderrPath)).trim().split('\n').at(-1) ?? '';
  return line === '' ? '' : ` (${line.slice(0, 200)})`;
}

/** The first bytes of a file; empty when it is not there. */
async function readStart(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_OUTPUT_BYTES), 0, MOST_OUTPUT_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

function reasonOf(failure: unknown): string {
  const hint = failure instanceof VlabError && failure.hint !== undefined ? ` (${failure.hint})` : '';
  return `${messageOf(failure)}${hint}`;
}

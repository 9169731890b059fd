/**
 * The place where trials happen: in schedule order, through the drivers, one after another. Each trial's rows are written
 * before the next one starts. A failed trial is a row with a reason; only the person (the signal) and the disk (a row that
 * cannot be written) stop the run.
 */
import type { Listener } from './events.js';
import type { LeakCheck } from './leak-check.js';
import type { PreparedArm } from './prepare-arms.js';
import type { Row } from './row.js';
import type { RowSink } from './run-folder.js';
import { runTrial, type Started } from './run-trial.js';
import type { Scenario } from './scenario.js';
import type { Trial } from './schedule.js';
import { TimeLeft } from './time-left.js';
import { type RowArm, rowOfFailure, rowsOfStart } from './trial-rows.js';

export interface ExecuteOptions {
  scenario: Scenario;
  /** The whole schedule, also when parts of it are done. */
  trials: readonly Trial[];
  /** Orders of trials whose rows are already there. */
  done: ReadonlySet<number>;
  arms: readonly PreparedArm[];
  sink: RowSink;
  signal: AbortSignal;
  listener: Listener;
  leakCheck?: LeakCheck;
  graceMs?: number;
}

export interface Executed {
  /** Every planned trial of every arm that takes part has its rows. */
  complete: boolean;
  /** What the leak check found, and arms that were given up on the way. */
  remarks: string[];
}

/** Runs the trials that are not done yet. Throws what the sink throws. */
export async function execute(options: ExecuteOptions): Promise<Executed> {
  const { scenario, trials, done, sink, signal, listener, leakCheck } = options;
  const arms = new Map(options.arms.map((arm) => [arm.arm.label, arm]));
  const remarks: string[] = [];
  /** Arms whose driver got stuck → why their later trials are not run. */
  const out = new Map<string, string>();
  const taking = options.arms.filter((arm) => arm.prepared && !arm.excluded);
  const timeLeft = new TimeLeft(
    trials.filter((trial) => !done.has(trial.order) && taking.some((arm) => arm.arm.label === trial.arm)),
    new Map(taking.map((arm) => [arm.arm.label, arm.checkMs])),
  );
  let finished = done.size;
  let block: number | undefined;

  for (const row of excludedArms(options.arms, trials, done)) await sink.append([row]);
  for (const trial of trials) {
    if (signal.aborted) break;
    if (done.has(trial.order)) continue;
    const arm = arms.get(trial.arm);
    if (!arm) throw new Error(`the schedule names ${trial.arm}, which was not prepared`);
    if (block !== undefined && trial.block !== block) await sink.blockEnded();
    block = trial.block;

    const columns = { label: trial.arm, driver: arm.arm.driver, accel: arm.accel };
    const givenUp = out.get(trial.arm);
    if (givenUp !== undefined) await sink.append([rowOfFailure(trial, columns, 'skipped', givenUp)]);
    if (!arm.prepared || arm.excluded || givenUp !== undefined) {
      timeLeft.done(trial.arm, undefined);
      finished++;
      continue;
    }

    const leftMs = timeLeft.ms;
    await listener({ kind: 'trial-starting', trial, done: finished, planned: trials.length, leftMs });
    const beganMs = performance.now();
    const before = await leakCheck?.look();
    const started = await runTrial(arm.prepared, scenario.payload.check, {
      deadlineMs: arm.arm.deadlineMs,
      signal,
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    });
    timeLeft.done(trial.arm, performance.now() - beganMs);
    const rows = rowsOf(trial, columns, started);
    if (rows.length > 0) {
      await sink.append(rows);
      finished++;
    }
    const { outcome } = started;
    const reason = started.outcome === 'ok' ? '' : started.reason;
    await listener({ kind: 'trial-ended', trial, outcome, reason, rows, done: finished, planned: trials.length });

    if (started.outcome !== 'ok' && started.stuck) {
      out.set(trial.arm, `given up after trial ${trial.order}: its driver did not stop when it was cancelled`);
      remarks.push(`${trial.arm} was given up after trial ${trial.order}: ${started.reason}`);
    }
    const found = before === undefined ? [] : ((await leakCheck?.compare(before)) ?? []);
    if (found.length > 0) {
      remarks.push(`after trial ${trial.order} (${trial.arm}): ${found.join(', ')}`);
      await listener({ kind: 'leak', trial, found });
    }
  }
  await sink.sync();
  return { complete: finished === trials.length, remarks };
}

/** A trial that the person stopped has told nothing about its arm: it has no row, and is run again on --resume. */
function rowsOf(trial: Trial, arm: RowArm, started: Started): Row[] {
  if (started.outcome === 'cancelled') return [];
  if (started.outcome === 'ok') return rowsOfStart(trial, arm, started.checkpoints);
  return [rowOfFailure(trial, arm, started.outcome, started.reason, started.requested)];
}

/** One row for each arm that takes no part, in the place of its first trial that counts. */
function excludedArms(arms: readonly PreparedArm[], trials: readonly Trial[], done: ReadonlySet<number>): Row[] {
  return arms.flatMap(({ arm: { label, driver }, accel, excluded }) => {
    const own = trials.filter((trial) => trial.arm === label);
    const first = own.find((trial) => !trial.warmup) ?? own[0];
    if (!excluded || !first || done.has(first.order)) return [];
    return [rowOfFailure(first, { label, driver, accel }, excluded.outcome, excluded.reason)];
  });
}

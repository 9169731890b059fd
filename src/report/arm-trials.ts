/** Rows put together again into trials: one line each, as tables and stacks need them. */
import type { Row, StartMetric } from '../lab/row.js';
import type { ReportArm } from './report-data.js';

export interface TrialLine {
  order: number;
  block: number;
  warmup: boolean;
  outcome: Row['outcome'];
  reason: string;
  /** Milliseconds since t0; a checkpoint that was not shown is absent. */
  timesMs: Partial<Record<StartMetric, number>>;
}

export interface ArmTrials {
  arm: ReportArm;
  /** In the order they were run, warm-ups too. */
  trials: TrialLine[];
}

export function armTrials(rows: readonly Row[], arms: readonly ReportArm[]): ArmTrials[] {
  const byOrder = arms.map(() => new Map<number, TrialLine>());
  const indexOf = (row: Row): number => arms.findIndex(({ arm, accel }) => arm === row.arm && accel === row.accel);
  let last: { arm: string; accel: string; index: number } | undefined;
  for (const row of rows) {
    if (last?.arm !== row.arm || last.accel !== row.accel)
      last = { arm: row.arm, accel: row.accel, index: indexOf(row) };
    const trials = byOrder[last.index];
    if (!trials) continue;
    let trial = trials.get(row.order);
    if (!trial) {
      const { order, block, warmup, outcome, reason } = row;
      trial = { order, block, warmup, outcome, reason, timesMs: {} };
      trials.set(order, trial);
    } else if (row.outcome !== 'ok' || trial.outcome === 'cancelled') {
      // The second try of a cancelled trial carries the same number and counts.
      trial.outcome = row.outcome;
      trial.reason = row.reason;
    }
    if (row.metric !== 'start' && row.value !== undefined) trial.timesMs[row.metric] = row.value / 1e6;
  }
  return arms.map((arm, index) => ({
    arm,
    trials: [...(byOrder[index]?.values() ?? [])].sort((a, b) => a.order - b.order),
  }));
}

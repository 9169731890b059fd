/** One trial as rows. A trial that went well has a row for every start metric; any other has one row with the reason. */
import type { Accel, Checkpoints } from '../drivers/driver.js';
import { type Outcome, type Row, START_METRICS } from './row.js';
import { oneLine } from './row-csv.js';
import type { Trial } from './schedule.js';

/** The arm's columns of a row. */
export interface RowArm {
  label: string;
  driver: string;
  accel: Accel;
}

/** Rows of a start that did what it should. A checkpoint that the technology does not show is an empty value. */
export function rowsOfStart(trial: Trial, arm: RowArm, checkpoints: Checkpoints & { requested: bigint }): Row[] {
  return START_METRICS.map((metric) => {
    const at = checkpoints[metric];
    return {
      ...columns(trial, arm),
      metric,
      value: at === undefined ? undefined : Number(at - checkpoints.requested),
      outcome: 'ok',
      reason: '',
      started_at_ns: String(checkpoints.requested),
    };
  });
}

/** The row of a trial without a result. `requested` is unknown when the driver never got that far. */
export function rowOfFailure(
  trial: Trial,
  arm: RowArm,
  outcome: Exclude<Outcome, 'ok'>,
  reason: string,
  requested?: bigint,
): Row {
  return {
    ...columns(trial, arm),
    metric: 'start',
    value: undefined,
    outcome,
    reason: oneLine(reason),
    started_at_ns: requested === undefined ? '' : String(requested),
  };
}

/** True when these rows are all that a trial writes: nothing of it is missing. */
export function isWholeTrial(rows: readonly Row[]): boolean {
  if (rows.some((row) => row.outcome !== 'ok')) return true;
  return START_METRICS.every((metric) => rows.some((row) => row.metric === metric));
}

function columns(
  trial: Trial,
  arm: RowArm,
): Pick<Row, 'block' | 'order' | 'arm' | 'driver' | 'unit' | 'warmup' | 'accel'> {
  return {
    block: trial.block,
    order: trial.order,
    arm: arm.label,
    driver: arm.driver,
    unit: 'ns',
    warmup: trial.warmup,
    accel: arm.accel,
  };
}

/**
 * What happens in a run, for whoever draws it. A listener is awaited before the lab goes on, and nothing is told inside
 * a timed region: what is drawn between two trials cannot disturb either of them.
 */
import type { Accel } from '../drivers/driver.js';
import type { Outcome, Row } from './row.js';
import type { Trial } from './schedule.js';

export type BenchEvent =
  | { kind: 'run-opened'; run: string; dir: string; planned: number; alreadyDone: number; seed: number }
  | { kind: 'arm-preparing'; arm: string }
  | { kind: 'arm-ready'; arm: string; version: string; accel: Accel; notes: readonly string[] }
  /** The arm takes no part in this run. `mend` is what the person can do about it. */
  | { kind: 'arm-excluded'; arm: string; reason: string; mend: string | undefined }
  /** `leftMs`: what this trial and those after it will take, by what their arms took until now. */
  | { kind: 'trial-starting'; trial: Trial; done: number; planned: number; leftMs: number }
  | {
      kind: 'trial-ended';
      trial: Trial;
      outcome: Outcome;
      reason: string;
      rows: readonly Row[];
      done: number;
      planned: number;
    }
  | { kind: 'leak'; trial: Trial; found: readonly string[] }
  /** Prepared arms that could not be taken down. */
  | { kind: 'clean-up-failed'; failures: readonly string[] }
  | { kind: 'run-ended'; partial: boolean; reason: string | undefined };

export type Listener = (event: BenchEvent) => void | Promise<void>;

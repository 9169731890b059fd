import type { Accel } from '../src/drivers/driver.js';
import type { Metric } from './comparisons.js';

/** Something that the bench starts over and over. */
export interface BenchArm {
  label: string;
  /** What exactly is started, for the reader of the table. */
  what: string;
  /** It takes part in the blocks whose number is divisible by this: slow arms have fewer starts. */
  every: number;
  /** How a guest's instructions run; absent where there is no guest. */
  accel?: Accel;
  /** One start, with all that it made gone again. Times in ns. Throws when the program did not really run. */
  start(): Promise<Partial<Record<Metric, number>>>;
  close(): Promise<void>;
}

/** Opens an arm, or says why this machine cannot have it. */
export type OpenArm = () => Promise<BenchArm | { absent: string }>;

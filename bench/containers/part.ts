/** One table of `npm run bench:containers`. */
import type { Row } from '../table.js';

export interface Part {
  title: string;
  /** How it was measured, a sentence or two of Markdown. */
  how: string;
  head: Row;
  rows: Row[];
  /** Everything measured, for whoever computes anew. */
  values: object;
}

export interface PartContext {
  /** Belongs to the bench; on a tmpfs where the run directory is on one. */
  scratchDir: string;
  rootfs: string;
  seed: number;
  /** How often each thing is done. */
  rounds: number;
  say(line: string): void;
}

export type MeasurePart = (context: PartContext) => Promise<Part>;

import type { OciConfig } from '../../../../src/container/config/schema.js';

/** One way to attack, and what is in its way. */
export interface Escape {
  /** What attacks, in a sentence without an end. */
  attack: string;
  /** What is published of such attacks. */
  cves: readonly string[];
  /** Reasons of steps, as `vlab run --show-plan` prints them. */
  guards: readonly string[];
  /** What the configuration asks for besides what `vlab run` does by default, without a filter of system calls. */
  asks?: (config: OciConfig) => void;
  /** What guards besides, where that is no line of the plan. */
  besides?: string;
}

/** Checks of values that earlier steps left in the image: a plan compares nothing itself, but it accepts results in a range. */
import { flags } from './abi.js';
import type { PlanBuilder, StepOptions, Word } from './plan.js';

/** For the steps of one process. */
export class ValueChecks {
  private ruler: Word | undefined;

  constructor(private readonly b: PlanBuilder) {}

  /** Fails the plan unless `low` ≤ value ≤ `high`. `value` must not be negative. */
  within(value: Word, low: number, high: number, why: string, options: Pick<StepOptions, 'from' | 'hint'> = {}): void {
    const { b } = this;
    if (!this.ruler) {
      this.ruler = b.word('ruler');
      b.step('memfd_create', [b.str('ruler'), flags('MFD_CLOEXEC')], 'a file whose seeks return where they went', {
        result: this.ruler,
      });
    }
    b.step('lseek', [this.ruler, value, 0], why, { accept: [low, high], ...options });
  }
}

import type { Trial } from './schedule.js';

/**
 * How long the rest of a run will take: for each arm the mean of its trials so far, times those to come. Before an arm's
 * first trial its functional check stands in, which is the same work with cold caches.
 */
export class TimeLeft {
  private readonly arms = new Map<string, { toCome: number; sumMs: number; count: number; firstMs: number }>();

  constructor(toCome: readonly Trial[], checkMs: ReadonlyMap<string, number>) {
    for (const { arm } of toCome) {
      const known = this.arms.get(arm) ?? { toCome: 0, sumMs: 0, count: 0, firstMs: checkMs.get(arm) ?? 0 };
      this.arms.set(arm, { ...known, toCome: known.toCome + 1 });
    }
  }

  /** A trial of `arm` is done, or will not be done; `tookMs` is undefined then. */
  done(arm: string, tookMs: number | undefined): void {
    const known = this.arms.get(arm);
    if (!known) return;
    known.toCome--;
    if (tookMs === undefined) return;
    known.sumMs += tookMs;
    known.count++;
  }

  get ms(): number {
    let ms = 0;
    for (const { toCome, sumMs, count, firstMs } of this.arms.values()) {
      ms += toCome * (count === 0 ? firstMs : sumMs / count);
    }
    return ms;
  }
}

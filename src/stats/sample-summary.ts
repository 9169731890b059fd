import { allowsQuantile, quantile } from './quantile.js';

/** What is printed of one set of observations, in their own unit. */
export interface SampleSummary {
  n: number;
  median: number;
  min: number;
  max: number;
  /** First and third quartile; their distance is the interquartile range. */
  q1: number;
  q3: number;
  iqr: number;
  /** Absent below 100 observations. */
  p95?: number;
  /** Absent below 500 observations. */
  p99?: number;
}

/** Undefined for no observations. Throws nothing; the values must be finite. */
export function summariseSamples(values: ArrayLike<number>): SampleSummary | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  const n = sorted.length;
  const q1 = quantile(sorted, 0.25);
  const q3 = quantile(sorted, 0.75);
  const summary: SampleSummary = {
    n,
    median: quantile(sorted, 0.5),
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
    q1,
    q3,
    iqr: q3 - q1,
  };
  if (allowsQuantile(n, 0.95)) summary.p95 = quantile(sorted, 0.95);
  if (allowsQuantile(n, 0.99)) summary.p99 = quantile(sorted, 0.99);
  return summary;
}

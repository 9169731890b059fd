/**
 * The p-quantile of `sorted` (ascending, not empty), p in 0 … 1. Definition 7 of Hyndman and Fan ("Sample quantiles in
 * statistical packages", 1996): linear between the neighbours of position (n-1)p. R, NumPy, DuckDB's quantile_cont and the
 * spreadsheets' PERCENTILE.INC use the same, so a reader who checks a figure finds it again.
 */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const position = (sorted.length - 1) * p;
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** How many observations must be expected beyond a tail quantile before it is printed. */
export const TAIL_OBSERVATIONS = 5;

/**
 * Whether n observations allow the p-quantile to be printed: at least five are expected above it, n (1-p) ≥ 5. So p95 needs
 * 100 observations and p99 needs 500. With fewer, the figure would be the accident of one or two slow starts.
 */
export function allowsQuantile(n: number, p: number): boolean {
  // Compared in whole thousandths, since 1 - 0.95 is not 0.05 in binary.
  return n * Math.round((1 - p) * 1000) >= TAIL_OBSERVATIONS * 1000;
}

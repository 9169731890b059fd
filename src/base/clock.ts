/**
 * The one clock: CLOCK_MONOTONIC of the host in nanoseconds (clock_gettime(2)). libuv's hrtime reads the same clock, so
 * these values and the stamps that vlab-init takes can be subtracted from each other.
 */
export function monotonicNs(): bigint {
  return process.hrtime.bigint();
}

/** The seam that tests replace: the scripted clock of the fake driver never reads the machine's. */
export interface Clock {
  nowNs(): bigint;
}

export const monotonicClock: Clock = { nowNs: monotonicNs };

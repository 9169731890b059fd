/** What one probe says about a container's health: docker's rules (moby's daemon/health.go). Pure. */

import type { HealthCheck } from '../define/definition.js';
import type { Health, HealthProbe } from '../record/container-state.js';

const KEPT_PROBES = 5;
export const MOST_OUTPUT_BYTES = 4096;

export const FRESH_HEALTH: Health = { status: 'starting', failingStreak: 0, log: [] };

/** Of a container that has been running for `ranMs` when the probe began. */
export function afterProbe(before: Health, probe: HealthProbe, check: HealthCheck, ranMs: number): Health {
  const log = [...before.log, probe].slice(-KEPT_PROBES);
  if (probe.exitCode === 0) return { status: 'healthy', failingStreak: 0, log };
  // Who has never been well yet may still be starting.
  if (before.status === 'starting' && ranMs < check.startPeriodMs) return { ...before, log };
  const failingStreak = before.failingStreak + 1;
  const failed = failingStreak >= check.retries;
  return { status: failed ? 'unhealthy' : before.status, failingStreak, log };
}

/** Until the next probe. */
export function probeDelayMs(health: Health, check: HealthCheck, ranMs: number): number {
  const starting = health.status === 'starting' && ranMs < check.startPeriodMs;
  return starting ? Math.min(check.startIntervalMs, check.intervalMs) : check.intervalMs;
}

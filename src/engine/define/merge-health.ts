/** A container's health check of what was asked for and the image's HEALTHCHECK. Pure. */
import type { HealthConfig } from '../../image/config.js';
import type { AskedHealthCheck } from './asked-container.js';
import { refuse } from './asked-error.js';
import type { HealthCheck } from './definition.js';

/** docker-run(1), "--health-interval" and its neighbours. */
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5_000, retries: 3 };

const NS_PER_MS = 1e6;

/** Undefined: there is none. Error: a time of less than a millisecond. */
export function mergeHealth(
  asked: AskedHealthCheck | undefined,
  image: HealthConfig | undefined,
): HealthCheck | undefined {
  if (asked === 'none') return undefined;
  const test = asked?.test ?? image?.Test ?? [];
  if (test.length < 2 || test[0] === 'NONE') return undefined;
  /** 0 is what nobody asked for. */
  const time = (
    name: Exclude<keyof HealthCheck, 'test' | 'retries'>,
    key: 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval',
  ) => {
    const ms = asked?.[name] || (image?.[key] ?? 0) / NS_PER_MS;
    if (ms !== 0 && ms < 1) throw refuse(`${key} in Healthcheck cannot be less than 1ms`);
    return Math.round(ms) || DEFAULTS[name];
  };
  return {
    test: [...test],
    intervalMs: time('intervalMs', 'Interval'),
    timeoutMs: time('timeoutMs', 'Timeout'),
    startPeriodMs: time('startPeriodMs', 'StartPeriod'),
    startIntervalMs: time('startIntervalMs', 'StartInterval'),
    retries: asked?.retries || image?.Retries || DEFAULTS.retries,
  };
}

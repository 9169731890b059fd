/** `--health-*` and `--no-healthcheck` (docker-run(1)). Pure. */
import type { AskedHealthCheck } from '../../engine/define/asked-container.js';
import { refuse } from '../../engine/define/asked-error.js';
import { durationOf, integerOf } from './wrong.js';

export interface HealthFlags {
  'health-cmd'?: string | undefined;
  'health-interval'?: string | undefined;
  'health-timeout'?: string | undefined;
  'health-start-period'?: string | undefined;
  'health-start-interval'?: string | undefined;
  'health-retries'?: string | undefined;
  'no-healthcheck'?: boolean | undefined;
}

const TIMES = {
  'health-interval': 'intervalMs',
  'health-timeout': 'timeoutMs',
  'health-start-period': 'startPeriodMs',
  'health-start-interval': 'startIntervalMs',
} as const;

/** Undefined: nothing was asked for. */
export function readHealth(flags: HealthFlags): AskedHealthCheck | undefined {
  const asked: Exclude<AskedHealthCheck, 'none'> = {};
  for (const [name, property] of Object.entries(TIMES)) {
    const text = flags[name as keyof typeof TIMES];
    if (text === undefined) continue;
    const ms = durationOf(`--${name}`, text);
    if (ms < 0) throw refuse(`--${name} cannot be negative`);
    if (ms !== 0 && ms < 1) throw refuse(`--${name} cannot be less than 1ms`);
    asked[property] = ms;
  }
  if (flags['health-retries'] !== undefined) {
    asked.retries = integerOf('--health-retries', flags['health-retries']);
    if (asked.retries < 0) throw refuse('--health-retries cannot be negative');
  }
  if (flags['health-cmd']) asked.test = ['CMD-SHELL', flags['health-cmd']];
  const isAsked = Object.values(asked).some((value) => value !== 0);
  if (!flags['no-healthcheck']) return isAsked ? asked : undefined;
  if (isAsked) throw refuse('--no-healthcheck conflicts with --health-* options');
  return 'none';
}

const MS_PER_UNIT: Record<string, number> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3 },
  ...{ ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
};

/**
 * A time as Go writes it (time.ParseDuration), which docker's flags and files have: `300ms`, `1.5h`, `2h45m`, `-5s`, `0`.
 * Milliseconds; undefined when it is none.
 */
export function goDurationMs(text: string): number | undefined {
  const [, sign, rest = ''] = /^([+-]?)(.+)$/.exec(text) ?? [];
  const factor = sign === '-' ? -1 : 1;
  if (rest === '0') return 0;
  let ms = 0;
  let read = 0;
  for (const [part, amount = '', unit = ''] of rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy)) {
    ms += Number(amount) * (MS_PER_UNIT[unit] ?? 0);
    read += part.length;
  }
  return read > 0 && read === rest.length ? factor * ms : undefined;
}

/** A configuration can be valid and still ask for more than one plan can hold. Pure. */
import { PlanTooLarge } from '../sys/plan.js';
import { configError, jsonPath } from './config/parse-config.js';
import type { OciConfig } from './config/schema.js';

/** Error (`input`) instead of a plan that is too large; it names what the configuration has most of. */
export function withinLimits<T>(config: OciConfig, build: () => T): T {
  try {
    return build();
  } catch (cause) {
    if (!(cause instanceof PlanTooLarge)) throw cause;
    throw configError(heaviest(config), `makes the container's plan too large: ${cause.message}`, { cause });
  }
}

/** The path of the list, map or text that takes most room, and whose own parts are small. */
function heaviest(config: OciConfig): string {
  const path: (string | number)[] = [];
  for (let value: unknown = config; typeof value === 'object' && value !== null; ) {
    const parts = Object.entries(value).map(([key, part]) => ({ key, part, weight: weightOf(part) }));
    const first = parts.reduce<(typeof parts)[number] | undefined>(
      (heavy, part) => (heavy && heavy.weight >= part.weight ? heavy : part),
      undefined,
    );
    const whole = parts.reduce((sum, { weight }) => sum + weight, 0);
    if (!first || first.weight * 2 < whole) break;
    path.push(Array.isArray(value) ? Number(first.key) : first.key);
    value = first.part;
  }
  return jsonPath(path);
}

function weightOf(part: unknown): number {
  const text = JSON.stringify(part, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return text?.length ?? 0;
}

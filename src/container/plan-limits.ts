/** A configuration can be valid and still ask for more than one plan can hold. Pure. */
import { MAX_IMAGE_BYTES, MAX_RELOCATIONS, MAX_STEPS } from '../sys/encode.js';
import type { Plan } from '../sys/plan.js';
import { configError, jsonPath } from './config/parse-config.js';
import type { OciConfig } from './config/schema.js';

/** Error (`input`): the plan has more of something than vlab-init takes; names what the configuration has most of. */
export function withinLimits(plan: Plan, config: OciConfig): Plan {
  const limits: [number, number, string][] = [
    [plan.steps.length, MAX_STEPS, 'system calls'],
    [plan.relocations.length, MAX_RELOCATIONS, 'pointers'],
    [plan.imageBytes, MAX_IMAGE_BYTES, 'bytes'],
  ];
  for (const [has, most, what] of limits) {
    if (has <= most) continue;
    throw configError(heaviest(config), `makes the container's plan too large: ${has} ${what} of at most ${most}`);
  }
  return plan;
}

/** The path of the list, map or text that takes most room, and whose own parts are small. */
function heaviest(config: OciConfig): string {
  const path: (string | number)[] = [];
  for (let value: unknown = config; typeof value === 'object' && value !== null; ) {
    const parts = Object.entries(value).map(([key, part]) => ({ key, part, weight: weightOf(part) }));
    const [first] = parts.sort((a, b) => b.weight - a.weight);
    const whole = parts.reduce((sum, { weight }) => sum + weight, 0);
    if (!first || first.weight * 2 < whole) break;
    path.push(Array.isArray(value) ? Number(first.key) : first.key);
    value = first.part;
  }
  return jsonPath(path);
}

function weightOf(part: unknown): number {
  return (
    JSON.stringify(part, (_, value) => (typeof value === 'bigint' ? String(value) : (value as unknown)))?.length ?? 0
  );
}

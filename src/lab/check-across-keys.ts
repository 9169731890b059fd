import type { Problem } from './schema-problems.js';
import { valueAt } from './schema-problems.js';

/**
 * The rules that tie keys together, over the file's raw value: they are asked even when the schema already complained,
 * so that one look shows every error. What is malformed is passed over here; the schema speaks of it.
 */
export function checkAcrossKeys(raw: unknown): Problem[] {
  const arms = valueAt(raw, ['arms']);
  if (!Array.isArray(arms)) return [];
  const labels = arms.map((arm) => labelOf(arm));
  return [...checkLabels(arms, labels), ...checkBaseline(raw, arms, labels), ...checkReady(raw)];
}

function checkLabels(arms: unknown[], labels: (string | undefined)[]): Problem[] {
  return labels.flatMap((label, index): Problem[] => {
    const first = label === undefined ? index : labels.indexOf(label);
    if (first === index) return [];
    const own = valueAt(arms[index], ['label']) !== undefined;
    return [
      {
        path: ['arms', index, own ? 'label' : 'driver'],
        pointAt: 'value',
        message: `arms ${first + 1} and ${index + 1} are both labelled \`${label}\`; give one a \`label\` of its own`,
      },
    ];
  });
}

function checkBaseline(raw: unknown, arms: unknown[], labels: (string | undefined)[]): Problem[] {
  const named = valueAt(raw, ['baseline']);
  if (named !== undefined && typeof named !== 'string') return [];
  if (named !== undefined && !labels.includes(named)) {
    const known = labels.filter((label) => label !== undefined).join(', ');
    return [
      {
        path: ['baseline'],
        pointAt: 'value',
        message: `\`baseline\` is ${JSON.stringify(named)}, but no arm has that label; labels: ${known}`,
      },
    ];
  }
  const baseline = named ?? (labels.includes('process') ? 'process' : labels[0]);
  const index = labels.indexOf(baseline);
  const every = valueAt(arms[index], ['every']);
  if (baseline === undefined || typeof every !== 'number' || every <= 1) return [];
  return [
    {
      path: ['arms', index, 'every'],
      pointAt: 'value',
      message: `\`${baseline}\` is the baseline, so it must take part in every block: remove this, or name another \`baseline\``,
    },
  ];
}

function checkReady(raw: unknown): Problem[] {
  const exit = valueAt(raw, ['payload', 'check', 'exit']);
  if (valueAt(raw, ['ready']) !== 'exit' || typeof exit !== 'number' || exit === 0) return [];
  return [
    {
      path: ['payload', 'check', 'exit'],
      pointAt: 'value',
      message: `with \`ready: exit\` a start is ready when the program ends well, so it cannot be expected to end with ${exit}`,
    },
  ];
}

function labelOf(arm: unknown): string | undefined {
  const label = valueAt(arm, ['label']) ?? valueAt(arm, ['driver']);
  return typeof label === 'string' ? label : undefined;
}

import { VlabError } from '../base/errors.js';
import { parseSize } from '../lab/quantity.js';

const DOCKER_UNITS: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** A memory size as docker's flags take it (`64m`, `1g`, bytes without a unit) or as scenarios do (`64MiB`), in bytes. */
export function memoryFlag(flag: string, text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([bkmg]?)$/i.exec(text) ?? [];
  const factor = unit === undefined ? undefined : DOCKER_UNITS[unit.toLowerCase()];
  const bytes = amount !== undefined && factor !== undefined ? Math.round(Number(amount) * factor) : parseSize(text);
  if (bytes === undefined || bytes <= 0) {
    throw new VlabError('input', `${flag} ${text} is no size of memory`, { hint: 'write it as 64m, 1g or 64MiB' });
  }
  return bytes;
}

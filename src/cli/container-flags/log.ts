/** `--log-driver` and `--log-opt` (docker's documentation, "Configure logging drivers"). Pure. */
import { refuse } from '../../engine/define/asked-error.js';
import type { LogOptions } from '../../engine/define/definition.js';
import { integerOf, sizeOf, splitOnce } from './wrong.js';

/** As docker has them: of json-file one file that grows, of local five of 20 MB. */
const DRIVERS = {
  'json-file': { maxFiles: 1 },
  local: { maxFiles: 5, maxSizeBytes: 20 * 1024 ** 2 },
  none: { maxFiles: 1 },
} as const;

/** Of docker's, and of no effect on what `logs` shows. */
const IGNORED = ['mode', 'max-buffer-size', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag'];

export function readLog(driver: string | undefined, options: readonly string[]): LogOptions {
  const name = driver || 'json-file';
  if (!(name in DRIVERS)) {
    throw refuse(`logger: no log driver named '${name}' is registered`, `vlab has ${Object.keys(DRIVERS).join(', ')}`);
  }
  const known = name as keyof typeof DRIVERS;
  if (known === 'none' && options.length > 0) throw refuse('invalid logging opts for driver none');
  const log: LogOptions = { driver: known, ...DRIVERS[known], options: {} };
  for (const option of options) {
    const [key, value = ''] = splitOnce(option, '=');
    log.options[key] = value;
    if (key === 'max-size') {
      if (value === '-1' || value === '') delete log.maxSizeBytes;
      else log.maxSizeBytes = sizeOf('--log-opt max-size', value);
    } else if (key === 'max-file') log.maxFiles = integerOf('--log-opt max-file', value, 1);
    else if (!IGNORED.includes(key)) throw refuse(`unknown log opt '${key}' for ${name} log driver`);
  }
  if ('max-file' in log.options && log.maxFiles > 1 && log.maxSizeBytes === undefined) {
    throw refuse('max-file cannot be greater than 1 when max-size is not set');
  }
  return log;
}

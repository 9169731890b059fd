/** What a container's monitor becomes at the end: this very vlab, which does what must follow (`vlab finish`). */
import { join } from 'node:path';
import { packageRoot } from '../../base/paths.js';

const PASSED = ['PATH', 'HOME', 'VLAB_DATA_DIR', 'VLAB_RUN_DIR', 'VLAB_CACHE_DIR', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR'];

/** `vlab` and these words, as a command line of their own. */
export function ownCommand(...words: string[]): string[] {
  return [process.execPath, join(packageRoot(), 'bin', 'vlab.cjs'), ...words];
}

/** What of this process's environment says where vlab keeps things. */
export function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    PASSED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

export function finishWords(id: string): { finish: string[]; finishEnv: string[] } {
  return {
    finish: ownCommand('finish', id),
    finishEnv: Object.entries(ownEnvironment()).map(([name, value]) => `${name}=${value}`),
  };
}

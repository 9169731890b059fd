/** What the readers of flags look at of this process and this machine. */
import { readFileSync } from 'node:fs';
import { messageOf, VlabError } from '../base/errors.js';
import type { Surroundings } from './container-flags/read-container.js';

export function surroundings(): Surroundings {
  return {
    env: process.env,
    cwd: process.cwd(),
    readText(path) {
      try {
        return readFileSync(path, 'utf8');
      } catch (cause) {
        throw new VlabError('input', `open ${path}: ${messageOf(cause)}`, { cause, exitCode: 125 });
      }
    },
  };
}

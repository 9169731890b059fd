/** The questions about cgroups that are asked of the machine before a plan is compiled. Cheap, and without effect. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { errnoOf } from '../../base/errors.js';
import { inUserNamespace } from '../../host/user-namespace.js';
import { processesBelow } from './processes.js';

export interface Look {
  exists(path: string): boolean;
  /** Undefined: there is no such file. */
  read(path: string): string | undefined;
  /** False: this process may make nothing in it. */
  writable(directory: string): boolean;
  /** How many run in these directories and below. */
  processes(directories: readonly string[]): number;
  /** Its user 0 is not the machine's. */
  inUserNamespace(): boolean;
}

export const MACHINE: Look = {
  exists: (path) => statSync(path, { throwIfNoEntry: false }) !== undefined,
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  writable(directory) {
    try {
      accessSync(directory, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  processes: (directories) => processesBelow(directories).length,
  inUserNamespace,
};

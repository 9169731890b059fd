/** The questions about cgroups that are asked of the machine before a plan is compiled. Cheap, and without effect. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { errnoOf } from '../../base/errors.js';
import { inUserNamespace } from '../../host/user-namespace.js';
import { processesBelow } from './processes.js';

export interface Look {
  exists(path: string): boolean;
  /** A directory above a container's: whether it is there, and has vlab's mark. A yes may be some seconds old. */
  parent(path: string): ParentKind;
  /** Undefined: there is no such file. */
  read(path: string): string | undefined;
  /** False: this process may make nothing in it. */
  writable(directory: string): boolean;
  /** How many run in these directories and below. */
  processes(directories: readonly string[]): number;
  /** Its user 0 is not the machine's. */
  inUserNamespace(): boolean;
}

/** `ours`: vlab made it for a container, and whoever comes last removes it. */
export type ParentKind = 'missing' | 'ours' | "another's";

/**
 * The mark of parents that vlab made: the sticky bit, which the kernel keeps and which means nothing in a cgroup that only
 * the superuser changes.
 */
export const PARENT_MODE = 0o1755;
const STICKY = 0o1000;

/** So long a resident process relies on what it saw: a plan finds its way where a parent has gone meanwhile. */
const FRESH_MS = 5000;
const MOST_REMEMBERED = 1000;

const remembered = new Map<string, { kind: ParentKind; at: number }>();

export const MACHINE: Look = {
  exists: existsSync,
  parent(path) {
    const known = remembered.get(path);
    if (known && performance.now() - known.at < FRESH_MS) return known.kind;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return 'missing';
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    const kind = (stat.mode & STICKY) === 0 ? "another's" : 'ours';
    remembered.set(path, { kind, at: performance.now() });
    return kind;
  },
  read,
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

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

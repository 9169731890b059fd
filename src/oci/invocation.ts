/** One call of the runtime, taken apart: what verbs get. */
import { resolve } from 'node:path';
import type { Caller, Outcome } from './caller.js';
import { type CgroupManager, cgroupManagerOf } from './cgroup-manager.js';
import type { Flags } from './command-line.js';
import { Container, checkId, defaultRoot } from './state.js';

export interface Globals {
  root: string;
  cgroupManager: CgroupManager;
  criu: string | undefined;
}

export interface Invocation {
  caller: Caller;
  globals: Globals;
  flags: Flags;
  /** Arguments behind the flags. */
  rest: string[];
}

export type Verb = (invocation: Invocation) => Promise<Outcome>;

export const DONE: Outcome = { exitCode: 0 };

export function globalsOf(flags: Flags, caller: Caller): Globals {
  return {
    root: resolve(caller.cwd, flags.string('root') ?? defaultRoot(caller.env)),
    cgroupManager: cgroupManagerOf(flags),
    criu: flags.string('criu'),
  };
}

/** The container that the first argument names. */
export function namedContainer({ globals, rest }: Invocation): Container {
  return new Container(globals.root, checkId(rest[0]));
}

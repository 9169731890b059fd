/** `--pid-file`: where the caller finds the pid of the program. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, VlabError } from '../base/errors.js';
import type { Invocation } from './invocation.js';

/** By rename, so that who waits for the file finds a whole number in it. Error (`input`): it cannot be written. */
export function writePidFile({ caller, flags }: Invocation, pid: number): void {
  const given = flags.string('pid-file');
  if (given === undefined) return;
  const path = resolve(caller.cwd, given);
  const partial = join(dirname(path), `.${basename(path).slice(0, 200)}.${pid}`);
  try {
    writeFileSync(partial, String(pid), { mode: 0o644 });
    renameSync(partial, path);
  } catch (cause) {
    removeIfThere(partial);
    throw new VlabError('input', `cannot write the file of --pid-file: ${messageOf(cause)}`, { cause });
  }
}

/** Of a program that was not started after all. */
export function removePidFile({ caller, flags }: Invocation): void {
  const given = flags.string('pid-file');
  if (given !== undefined) removeIfThere(resolve(caller.cwd, given));
}

/** What cannot be removed was not written. */
function removeIfThere(path: string): void {
  try {
    rmSync(path);
  } catch {}
}

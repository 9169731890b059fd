/** Names for what one process makes and nobody else may touch: they carry the process, so what a killed one left is known. */
import { hasEnded, thisProcess } from './owners.js';

let counter = 0;

/** A name that no other process has, nor this one a second time. */
export function ownName(prefix: string): string {
  const { pid, startTime } = thisProcess();
  return `${prefix}${pid}.${startTime}.${counter++}`;
}

/** Whether the process that `ownName` named has ended; undefined: it is no such name. */
export function namesEnded(name: string, prefix: string): boolean | undefined {
  const [, pid, startTime] = /^(\d+)\.(\d+)\.\w+$/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : '') ?? [];
  if (pid === undefined || startTime === undefined) return undefined;
  return hasEnded({ pid: Number(pid), startTime });
}

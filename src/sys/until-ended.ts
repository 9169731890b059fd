import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../base/errors.js';
import { hasEnded, type Process } from './owners.js';

const DEADLINE_MS = 10_000;

/** Waits for the end of a process that is ending, of whomever it is a child. Error (`operation`): not within 10 s. */
export async function untilEnded(ending: Process): Promise<void> {
  for (const began = Date.now(); !hasEnded(ending); await sleep(1)) {
    if (Date.now() - began > DEADLINE_MS) {
      throw new VlabError('operation', `process ${ending.pid} does not end`, {
        hint: `look at /proc/${ending.pid}/wchan for what it waits for`,
      });
    }
  }
}

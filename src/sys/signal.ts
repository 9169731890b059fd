import { errnoOf } from '../base/errors.js';

/** Sends a signal; a process that has ended meanwhile needs none (kill(2), ESRCH). */
export function signalIfThere(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

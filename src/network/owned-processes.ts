/** Programs in the background that vlab started for networks: each names a file of vlab's on its command line, by which it is known. */
import { readdirSync, readFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.js';
import { hasEnded, type Process, processOf } from '../sys/owners.js';
import { untilEnded } from '../sys/until-ended.js';

export async function endProcess(server: Process): Promise<void> {
  if (hasEnded(server)) return;
  killIfThere(server.pid);
  await untilEnded(server);
}

/** Ends those whose command line has `word` as the beginning of a word, but for `known`: a killed command wrote them nowhere. */
export async function endUnknown(word: string, known: readonly Process[]): Promise<void> {
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || known.some((one) => one.pid === pid)) continue;
    if (wordsOf(pid).some((one) => one.startsWith(word))) await endProcess(processOf(pid));
  }
}

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

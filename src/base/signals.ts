import { constants } from 'node:os';
import { VlabError } from './errors.js';

/** `KILL`, `SIGKILL`, `sigkill`, `9`, and the real-time ones: `SIGRTMIN+3`, `RTMAX-1` (signal(7)). Error: `input`. */
export function signalNumber(text: string): number {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const [, base, step] = /^SIGRT(MIN|MAX)([+-]\d+)?$/.exec(name) ?? [];
  const number =
    base === undefined
      ? (constants.signals[name as NodeJS.Signals] ?? Number(text))
      : (base === 'MIN' ? 34 : 64) + Number(step ?? 0);
  if (!(Number.isInteger(number) && number >= 0 && number <= 64) || text === '') {
    throw new VlabError('input', `${text} is no signal`, { hint: 'kill -l lists them' });
  }
  return number;
}

/** Commands that take several containers: one that fails does not keep the others from what was asked. */
import { VlabError } from '../base/errors.js';
import { colourWanted } from './colour.js';
import { describeFailure, renderFailure } from './failure.js';

/** So many of what waits for ends of programs is done beside each other. */
export const SIDE_BY_SIDE = 16;

/**
 * Acts on one after the other, or on `atOnce` of them beside each other; `act` gives what is printed for it, if anything, in the order
 * of the names. Each failure is told, and any makes the command's exit code 1. Returns what was printed. Error (`input`): none is named.
 */
export async function eachContainer(
  named: readonly string[],
  act: (text: string) => Promise<string | undefined>,
  log: (line: string) => void,
  atOnce = 1,
): Promise<string[]> {
  if (named.length === 0) {
    throw new VlabError('input', 'requires at least 1 argument', {
      hint: 'vlab ps -a lists the containers',
      exitCode: 1,
    });
  }
  const done: string[] = [];
  const begun: Promise<Acted>[] = [];
  for (let next = 0; next < named.length; next++) {
    for (const text of named.slice(begun.length, next + atOnce)) begun.push(acted(act, text));
    const { line, failure } = (await begun[next]) as Acted;
    if (failure !== undefined && !(failure instanceof VlabError)) throw failure;
    if (failure) tellFailure(failure);
    if (line === undefined) continue;
    log(line);
    done.push(line);
  }
  return done;
}

interface Acted {
  line?: string | undefined;
  failure?: unknown;
}

/** A failure is told when those before it have been. */
async function acted(act: (text: string) => Promise<string | undefined>, text: string): Promise<Acted> {
  try {
    return { line: await act(text) };
  } catch (failure) {
    return { failure };
  }
}

/** On standard error, while the command goes on. */
export function tellFailure(thrown: VlabError): void {
  const bold = (text: string) => (colourWanted(process.stderr, process.env) ? `\u001b[1m${text}\u001b[22m` : text);
  process.stderr.write(`${renderFailure(describeFailure(thrown), bold)}\n`);
  process.exitCode = 1;
}

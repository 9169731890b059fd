/** Commands that take several containers: one that fails does not keep the others from what was asked. */
import { VlabError } from '../base/errors.js';
import { colourWanted } from './colour.js';
import { describeFailure, renderFailure } from './failure.js';

/**
 * Acts on one after the other; `act` gives what is printed for it, if anything. Each failure is told at once, and any makes the
 * command's exit code 1. Returns what was printed. Error (`input`): none is named.
 */
export async function eachContainer(
  named: readonly string[],
  act: (text: string) => Promise<string | undefined>,
  log: (line: string) => void,
): Promise<string[]> {
  if (named.length === 0) {
    throw new VlabError('input', 'requires at least 1 argument', {
      hint: 'vlab ps -a lists the containers',
      exitCode: 1,
    });
  }
  const done: string[] = [];
  for (const text of named) {
    try {
      const line = await act(text);
      if (line !== undefined) {
        log(line);
        done.push(line);
      }
    } catch (thrown) {
      if (!(thrown instanceof VlabError)) throw thrown;
      tellFailure(thrown);
    }
  }
  return done;
}

/** On standard error, while the command goes on. */
export function tellFailure(thrown: VlabError): void {
  const bold = (text: string) => (colourWanted(process.stderr, process.env) ? `\u001b[1m${text}\u001b[22m` : text);
  process.stderr.write(`${renderFailure(describeFailure(thrown), bold)}\n`);
  process.exitCode = 1;
}

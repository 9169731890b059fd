/** `vlab-oci` in a Node process of its own. */
import { constants } from 'node:os';
import { ignoreClosedPipe } from '../base/closed-pipe.js';
import { messageOf } from '../base/errors.js';

/** How `vlab planner start` starts it. */
const SERVE_PLANNER = '--serve-planner';

/** The name that vlab-front gives a planner of its own. */
const OWN_PLANNER = 'vlab-planner';

export async function main(words: readonly string[]): Promise<void> {
  if (process.argv0 === OWN_PLANNER) {
    const { serveOwnCaller } = await import('./own-planner.js');
    await serveOwnCaller();
    return;
  }
  if (words[0] === SERVE_PLANNER) {
    const { servePlanner } = await import('./planner.js');
    // Its log's last line is what whoever started it is told.
    await servePlanner().catch((error: unknown) => {
      process.stderr.write(`${messageOf(error)}\n`);
      process.exitCode = 1;
    });
    return;
  }
  const { ColdCaller } = await import('./cold-caller.js');
  const { runWords } = await import('./run-words.js');
  const caller = new ColdCaller(words);
  const { stdout, stderr, exitCode } = await runWords(caller);
  caller.close();
  // Node takes a millisecond to make these two, so only what has something to say does.
  if (stdout) say(process.stdout, stdout);
  if (stderr) say(process.stderr, stderr);
  process.exitCode = caller.interruptedBy === undefined ? exitCode : 128 + constants.signals[caller.interruptedBy];
}

function say(stream: NodeJS.WriteStream, text: string): void {
  stream.on('error', ignoreClosedPipe);
  stream.write(text);
}

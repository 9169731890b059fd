/** `vlab-oci` in a Node process of its own. */
import { constants } from 'node:os';
import { ColdCaller } from './cold-caller.js';
import { runWords } from './run-words.js';

/** How `vlab planner start` starts it. */
const SERVE_PLANNER = '--serve-planner';

export async function main(words: readonly string[]): Promise<void> {
  if (words[0] === SERVE_PLANNER) {
    const { servePlanner } = await import('./planner.js');
    await servePlanner();
    return;
  }
  const caller = new ColdCaller(words);
  const { stdout, stderr, exitCode } = await runWords(caller);
  caller.close();
  if (stdout) process.stdout.write(stdout);
  if (stderr) process.stderr.write(stderr);
  process.exitCode = caller.interruptedBy === undefined ? exitCode : 128 + constants.signals[caller.interruptedBy];
}

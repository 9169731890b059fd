/** Bytes through a program of the system: standard input to standard output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { VlabError } from '../../base/errors.js';
import { findProgram } from '../../base/find-program.js';

/**
 * The program ends with whoever reads. Errors: `host` when it is not installed; `operation`, with its last line, when it fails; that of
 * `input` when reading that fails.
 */
export async function* throughProgram(
  [name, ...args]: readonly [string, ...string[]],
  input: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const program = findProgram(name);
  if (!program) {
    throw new VlabError('host', `${name} is not installed`, { hint: `install ${name} and try again` });
  }
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  closed.catch(() => {}); // awaited below
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500);
  });
  let failure: unknown;
  const feeding = pipeline(Readable.from(input), child.stdin).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') failure = error; // it stopped to read, and says why
  });
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const [code] = await closed;
    await feeding;
    if (failure !== undefined) throw failure;
    if (code !== 0) {
      throw new VlabError('operation', said.trim().split('\n').at(-1) || `${program} ended with ${code}`);
    }
  } finally {
    child.kill('SIGKILL');
  }
}

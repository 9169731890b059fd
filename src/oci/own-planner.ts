/**
 * The planner of one command, where no resident one runs: a child of the front, which is there as soon as the front is, and
 * performs (docs/planner.md).
 */
import { once } from 'node:events';
import { CHANNEL_FD } from '../sys/channel.js';
import { DescriptorStream } from '../sys/descriptor-stream.js';
import { parseRequest, wholeRequest } from './request.js';
import { serveCaller } from './serve-caller.js';

export async function serveOwnCaller(): Promise<void> {
  process.umask(0o022);
  // Node would tidy up for longer than all of this takes, and wait for who still reads.
  process.on('exit', () => process.kill(process.pid, 'SIGKILL'));
  const stream = new DescriptorStream(CHANNEL_FD);
  let message: Buffer = Buffer.alloc(0);
  while (!wholeRequest(message)) {
    const part = stream.readNow();
    if (part.length === 0) return process.exit(); // the front was killed
    message = Buffer.concat([message, part]);
  }
  const closed = once(stream, 'close');
  stream.flow();
  await serveCaller(stream, parseRequest(message));
  await closed;
  process.exit();
}

/**
 * The planner of one command, where no resident one runs: a child of the front, which is there as soon as the front is, and
 * performs (docs/planner.md).
 */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { CHANNEL_FD } from '../sys/channel.js';
import { serveCaller } from './serve-caller.js';

export async function serveOwnCaller(): Promise<void> {
  process.umask(0o022);
  const socket = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  const closed = once(socket, 'close').catch(() => {});
  await serveCaller(socket);
  await closed;
  // Not by itself: Node would tidy up for longer than all this took.
  process.exit(0);
}

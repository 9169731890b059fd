import { statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { errnoOf, VlabError } from '../base/errors.js';

/**
 * One writer a run. The lock is an abstract unix socket (unix(7)) named after the folder's device and inode: taking it is
 * one atomic bind, and the kernel drops it with the process that held it, so that a killed writer leaves nothing stale.
 */
export async function lockRun(dir: string): Promise<AsyncDisposable> {
  const { dev, ino } = statSync(dir, { bigint: true });
  const server = createServer((connection) => connection.destroy());
  try {
    await listen(server, `\0vlab-run-${dev}-${ino}`);
  } catch (cause) {
    if (errnoOf(cause) !== 'EADDRINUSE') throw cause;
    throw new VlabError('operation', `${dir} is being written by another vlab`, {
      hint: 'wait until it has ended, or stop it with Ctrl-C',
    });
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => resolve());
  });
}

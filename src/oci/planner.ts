/**
 * The resident planner: decides for callers that perform (vlab-front.c), so that a verb costs no start of Node. It listens in
 * a directory of its user's; the front makes sure that it is in the caller's namespaces and root, of the same user, and can do
 * no more than the caller (docs/planner.md).
 */
import { once } from 'node:events';
import { chmodSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { own, takeLock, thisProcess } from '../sys/owners.js';
import { makePlannerDir, plannerSocket } from './planner-place.js';
import { type PlannerRequest, parseRequest, wholeRequest } from './request.js';
import { serveCaller } from './serve-caller.js';

/**
 * Serves until it is told to end (SIGTERM), unless another one does. It owns its directory, so that what a killed one left is
 * found and removed, but not from under its successor: the record has the directory's name.
 */
export async function servePlanner(): Promise<void> {
  process.umask(0o022);
  const dir = makePlannerDir();
  const path = plannerSocket(dir);
  if (!(await takeLock(openSync(join(dir, 'planner.lock'), 'a', 0o600)))) return;
  const ownership = own(basename(dir), { cgroups: [], paths: [dir] });
  rmSync(path, { force: true }); // of a planner that was killed
  const server = createServer((socket) => void serve(socket));
  await once(server.listen(path), 'listening');
  chmodSync(path, 0o600);
  writeFileSync(join(dir, 'process.json'), JSON.stringify(thisProcess()), { mode: 0o600 });
  process.on('SIGTERM', () => {
    server.close();
    void ownership[Symbol.asyncDispose]().finally(() => process.exit(0));
  });
}

async function serve(socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy()); // the caller has gone
  let request: PlannerRequest;
  try {
    request = parseRequest(await receive(socket));
  } catch {
    socket.destroy();
    return;
  }
  await serveCaller(socket, request);
}

/** The request, which comes before anything else. */
function receive(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let pending: Buffer = Buffer.alloc(0);
    const take = (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      try {
        if (!wholeRequest(pending)) return;
      } catch (error) {
        reject(error as Error);
        return;
      }
      socket.off('data', take);
      resolve(pending);
    };
    socket.on('data', take);
    socket.once('close', () => reject(new Error('the caller has gone')));
  });
}

/** The programs that carry a container's packets for a user who may make no bridges: started, ended, and swept. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { VlabError } from '../base/errors.js';
import { findProgram } from '../base/find-program.js';
import { runDir } from '../base/paths.js';
import { hasEnded, type Process, processOf } from '../sys/owners.js';
import { type Helper, type Made, tableHere } from './network-state.js';
import { endProcess, endUnknown } from './owned-processes.js';
import { type HelperRequest, slirpArgs, slirpForwards } from './user-mode-args.js';

/** Ends helpers of containers that have ended, and those that a killed command had started. */
export async function tidyHelpers(made: Made, isUnsure: boolean): Promise<Made> {
  const { helpers = [] } = made;
  const living = helpers.filter(({ owner }) => !hasEnded(owner));
  for (const helper of helpers) if (!living.includes(helper)) await endHelper(helper);
  if (isUnsure)
    await endUnknown(
      helpersOfHere(),
      living.map((one) => one.process),
    );
  return living.length === helpers.length ? made : { ...made, helpers: living };
}

/** Without those of these ids, which are ended. */
export async function endHelpers(made: Made, ids: readonly string[]): Promise<Made> {
  const { helpers = [] } = made;
  const ended = helpers.filter(({ id }) => ids.includes(id));
  for (const one of ended) await endHelper(one);
  return ended.length === 0 ? made : { ...made, helpers: helpers.filter((one) => !ended.includes(one)) };
}

async function endHelper({ id, process: helper }: Helper): Promise<void> {
  await endProcess(helper);
  rmSync(helperFile(id), { force: true });
}

/** In the run directory: paths of sockets are short there. */
const helpersDir = () => join(runDir(), 'net');

/** Data directories may share a run directory. */
const helpersOfHere = () => join(helpersDir(), `${tableHere()}.`);

export const helperFile = (id: string) => `${helpersOfHere()}${id.slice(0, 12)}`;

/** Up, with its ports. Error (`host`): slirp4netns is not there, or it fails. */
export async function startHelper(request: HelperRequest): Promise<Process> {
  mkdirSync(helpersDir(), { recursive: true, mode: 0o700 });
  const slirp = findProgram('slirp4netns');
  if (slirp !== undefined) return await startSlirp(slirp, request);
  throw new VlabError('host', "no program is there that carries a container's packets for a user", {
    hint: 'install slirp4netns, or start the container with --network none or host',
  });
}

async function startSlirp(slirp: string, request: HelperRequest): Promise<Process> {
  const child = spawn(slirp, slirpArgs(request), { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  const [, , errors, ready] = child.stdio as unknown as [null, null, Readable, Readable];
  errors.on('data', (chunk) => (said += chunk));
  const isUp = await Promise.race([
    once(ready, 'data').then(() => true),
    once(child, 'exit').then(() => false),
    once(child, 'error').then(() => false),
  ]);
  if (!isUp || child.pid === undefined) throw failed('slirp4netns', said);
  for (const stream of [errors, ready]) stream.destroy();
  child.unref();
  for (const forward of slirpForwards(request.ports)) await tell(request.file, forward);
  return processOf(child.pid);
}

/** slirp4netns(1), "API socket". */
async function tell(socket: string, request: object): Promise<void> {
  const connection = createConnection(socket);
  let answer = '';
  connection.setEncoding('utf8').on('data', (chunk) => (answer += chunk));
  connection.end(JSON.stringify(request));
  await once(connection, 'close');
  const { error } = JSON.parse(answer || '{}') as { error?: { desc: string } };
  if (error) throw failed('slirp4netns', `${error.desc}: ${JSON.stringify(request)}`);
}

function failed(program: string, said: string): VlabError {
  const line = said.trim().split('\n').at(-1) ?? '';
  return new VlabError('host', `${program} cannot carry the container's packets: ${line}`, {
    hint: 'it needs /dev/net/tun that this user may open; --network none does without',
  });
}

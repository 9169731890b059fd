/**
 * Runs a further program in a container. In the foreground and without a terminal it has this command's own descriptors, which is
 * quickest. With a terminal, or detached, it has a monitor of its own, and does not end with this command.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { emitContainer } from '../../engine/events/container-event.js';
import type { ExecPlace } from '../../engine/exec/exec-place.js';
import { containerRunDir } from '../../engine/record/container-files.js';
import type { ContainerRecord } from '../../engine/record/records.js';

export interface ExecHow {
  stdin: boolean;
  detach: boolean;
  detachKeys: string | undefined;
}

/** Its exit code; undefined: it goes on without us. Errors: `operation`, with docker's exit codes. */
export async function execProgram(
  record: ContainerRecord,
  place: ExecPlace,
  how: ExecHow,
): Promise<number | undefined> {
  const { args, terminal } = place.config.process;
  const execID = randomBytes(32).toString('hex');
  const words = args.join(' ');
  emitContainer(record, `exec_create: ${words}`, { execID });
  emitContainer(record, `exec_start: ${words}`, { execID });
  const kept = terminal || how.detach;
  const exitCode = kept ? await withMonitor(record, place, how, execID) : await withOurs(place, how);
  if (exitCode !== undefined) emitContainer(record, 'exec_die', { execID, exitCode: String(exitCode) });
  return exitCode;
}

async function withMonitor(
  { id }: ContainerRecord,
  { config, container }: ExecPlace,
  how: ExecHow,
  execID: string,
): Promise<number | undefined> {
  const { execRun } = await import('../../engine/run/exec-run.js');
  const { Session } = await import('./session.js');
  const { inForeground } = await import('./foreground.js');
  const own = `x${execID.slice(0, 6)}`;
  const request = {
    ...{ id: `${id}.${own}`, runDir: join(containerRunDir(id), own), config, container },
    stdin: how.stdin ? ('once' as const) : ('closed' as const),
  };
  if (how.detach) {
    await execRun(request);
    return undefined;
  }
  const session = new Session({
    ...{ tty: true, stdin: how.stdin, stdout: true, stderr: true, waits: true },
    detachKeys: how.detachKeys,
  });
  const running = await execRun({ ...request, waits: true, attach: session.streams });
  return (await inForeground(session, running, { sigProxy: false })).exitCode;
}

async function withOurs({ config, container }: ExecPlace, { stdin }: ExecHow): Promise<number> {
  const { ColdCaller } = await import('../../oci/cold-caller.js');
  const { execIn } = await import('../../oci/exec-in.js');
  const { ownedStdio } = await import('../../oci/descriptors.js');
  const { nativeBinary } = await import('../../sys/native.js');
  const { withDockersCode } = await import('../../engine/run/start-failure.js');
  const caller = new ColdCaller([], stdin ? 'inherit' : 'ignore');
  try {
    const exitCode = await execIn(caller, config, container, {
      foreground: { relayPath: await nativeBinary('vlab-relay') },
      preserved: [],
      ownedStdio: ownedStdio(caller),
    });
    return exitCode ?? 0;
  } catch (error) {
    throw error instanceof VlabError ? withDockersCode(error) : error;
  } finally {
    caller.close();
  }
}

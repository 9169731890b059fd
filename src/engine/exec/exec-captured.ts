/** A further program in a container, whose output is wanted as text: a probe of its health. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../../container/config/parse-config.js';
import { signalIfThere } from '../../sys/signal.js';
import { emitContainer } from '../events/container-event.js';
import { CONTAINER_FILES, containerDir, containerRunDir } from '../record/container-files.js';
import type { ContainerRecord } from '../record/records.js';
import { execRun } from '../run/exec-run.js';
import { joinedCgroups } from './exec-place.js';

export interface CapturedOptions {
  /** Then it is killed; 0: never. */
  timeoutMs: number;
  /** Of its output and errors together; the rest is read and forgotten. */
  mostBytes: number;
}

export interface Captured {
  exitCode: number;
  output: string;
  timedOut: boolean;
}

/** Errors: those of execRun; `operation` for a container that does not run. */
export async function runCaptured(
  record: ContainerRecord,
  args: string[],
  { timeoutMs, mostBytes }: CapturedOptions,
): Promise<Captured> {
  const { id, state } = record;
  const { process: init, cgroup } = state;
  if (!init || !cgroup) throw new RangeError('the container does not run');
  const config = parseConfig(readFileSync(join(containerDir(id), CONTAINER_FILES.config), 'utf8'));
  const execID = randomBytes(32).toString('hex');
  const own = `x${execID.slice(0, 6)}`;
  let output = Buffer.alloc(0);
  const sink = () =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        output = Buffer.concat([output, chunk]).subarray(0, mostBytes);
        done();
      },
    });
  const words = args.join(' ');
  emitContainer(record, `exec_create: ${words}`, { execID });
  emitContainer(record, `exec_start: ${words}`, { execID });
  const running = await execRun({
    ...{
      id: `${id}.${own}`,
      runDir: join(containerRunDir(id), own),
      container: { init, cgroups: joinedCgroups(cgroup, init) },
    },
    config: { ...config, process: { ...config.process, args, terminal: false } },
    ...{ stdin: 'closed', waits: true, attach: { stdout: sink(), stderr: sink(), waits: true } },
  });
  const over = new AbortController();
  let timedOut = false;
  if (timeoutMs > 0) {
    void sleep(timeoutMs, undefined, { signal: over.signal }).then(
      () => {
        timedOut = true;
        signalIfThere(running.init.pid, 'SIGKILL');
      },
      () => {},
    );
  }
  try {
    const end = await running.ended;
    await running.attachment?.over;
    const exitCode = end?.exitCode ?? 255;
    emitContainer(record, 'exec_die', { execID, exitCode: String(exitCode) });
    return { exitCode, output: output.toString(), timedOut };
  } finally {
    over.abort();
  }
}

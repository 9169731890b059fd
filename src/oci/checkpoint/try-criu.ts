/** Whether criu works on this kernel: a process is written to files and comes back. For `vlab doctor`. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { VlabError } from '../../base/errors.js';
import { findProgram } from '../../base/find-program.js';
import { hasEnded, isAlive, type Process, processOf } from '../../sys/owners.js';
import { signalIfThere } from '../../sys/signal.js';
import { criuFailure } from './criu-log.js';
import type { Criu } from './find-criu.js';

const run = promisify(execFile);
const DEADLINE_MS = 20_000;

export interface Tried {
  dumpMs: number;
  restoreMs: number;
}

/** Errors: what criu said. Nothing is left in any case. */
export async function tryCriu(criu: Criu): Promise<Tried> {
  const program = findProgram('sleep');
  if (!program) throw new VlabError('host', 'there is no sleep(1) to try criu with', { hint: 'look at PATH' });
  const dir = mkdtempSync(join(tmpdir(), 'vlab-criu-'));
  const images = join(dir, 'images');
  mkdirSync(images);
  const child = spawn(program, ['600'], { cwd: '/', detached: true, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const ours: Process[] = [processOf(pid)];
  const reaped = new Promise((resolve) => child.once('exit', resolve));
  try {
    await sleep(20); // it has become its program by then
    await call(criu, 'check', [], dir);
    const dumpMs = await call(criu, 'dump', ['-t', String(pid)], images);
    await reaped;
    const restoreMs = await call(criu, 'restore', ['-d'], images);
    const back = processOf(pid); // criu gives it its old pid, or fails
    ours.push(back);
    if (!back.startTime || hasEnded(back)) throw new VlabError('host', 'the restored process ended at once');
    return { dumpMs, restoreMs };
  } finally {
    for (const one of ours) if (isAlive(one)) signalIfThere(one.pid, 'SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
}

async function call(criu: Criu, verb: 'check' | 'dump' | 'restore', words: string[], dir: string): Promise<number> {
  const [program = '', ...before] = criu.argv;
  const log = `${verb}.log`;
  const files = verb === 'check' ? ['-W', dir] : ['-D', dir];
  const began = performance.now();
  try {
    await run(program, [...before, verb, ...words, ...files, '-o', log, '-v4'], { cwd: dir, timeout: DEADLINE_MS });
    return performance.now() - began;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw criuFailure(verb, 'a sleeping process', { text: textOf(join(dir, log)), path: log }, stderr?.trim());
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

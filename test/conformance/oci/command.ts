/** Runs a command and waits for it, but never longer than it may take. */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

export interface Ran {
  /** Undefined: it did not end in its time and was killed. */
  code: number | undefined;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  /** Open descriptors for standard output and error; their text is not collected then. */
  output?: { stdout: number; stderr: number };
  mostMs?: number;
}

const MOST_MS = 20_000;
const AFTER_EXIT_MS = 300;

/** Rejects only when the command cannot be started. */
export function runCommand(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [command = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ['ignore', options.output?.stdout ?? 'pipe', options.output?.stderr ?? 'pipe'],
    });
    const ran: Ran = { code: undefined, stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (text) => (ran.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (ran.stderr += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), options.mostMs ?? MOST_MS);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    const done = (code: number | null, signal: string | null) => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ ...ran, code: code ?? (signal === 'SIGKILL' ? undefined : 128) });
    };
    child.on('close', done);
    // What a container inherited stays open after the command.
    child.on('exit', (code, signal) => setTimeout(done, options.output ? 0 : AFTER_EXIT_MS, code, signal).unref());
  });
}

/** Error: it failed, and what it said. */
export function expectSuccess(what: string, ran: Ran): void {
  if (ran.code === 0) return;
  const how = ran.code === undefined ? 'did not end in time' : `failed (${ran.code})`;
  throw new Error(`${what} ${how}: ${ran.stderr.trim().slice(-600)}`);
}

/** Looks until there is something to see. Error: after `mostMs`, with `what` was waited for. */
export async function waitFor<T>(what: string, look: () => T | undefined | false, mostMs = 10_000): Promise<T> {
  const end = Date.now() + mostMs;
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause(3);
  }
}

/** A further program in a container, whose output is wanted as text: a probe of its health. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ownCommand } from './finish-words.js';

export interface CapturedOptions {
  /** Then it is killed; 0: never. */
  timeoutMs: number;
  /** Of its output and errors together; the rest is read and forgotten. */
  mostBytes: number;
  signal?: AbortSignal;
}

export interface Captured {
  exitCode: number;
  output: string;
  timedOut: boolean;
}

/** Errors: those of spawn. */
export async function runCaptured(id: string, args: readonly string[], options: CapturedOptions): Promise<Captured> {
  const [node = process.execPath, ...words] = ownCommand('exec', id, ...args);
  const child = spawn(node, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.signal ? { signal: options.signal } : {}),
  });
  let output = Buffer.alloc(0);
  const keep = (chunk: Buffer) => {
    output = Buffer.concat([output, chunk]).subarray(0, options.mostBytes);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let timedOut = false;
  const end = () => {
    timedOut = true;
    child.kill('SIGTERM');
  };
  const timer = options.timeoutMs > 0 ? setTimeout(end, options.timeoutMs) : undefined;
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { exitCode: code ?? 255, output: output.toString(), timedOut };
}

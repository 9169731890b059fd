import type { Options } from 'execa';
import { VlabError } from './errors.js';

/** Result of a helper command that ran to its end. */
export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command that is not timed, without a shell. Never throws for a non-zero exit: the caller judges it.
 * Throws a `host` error when the command is not installed.
 */
export async function run(command: string, args: readonly string[], options: Options = {}): Promise<Ran> {
  const { execa } = await import('execa'); // most commands of vlab never need it, and it is slow to load
  const result = await execa(command, args, { reject: false, stdin: 'ignore', ...options });
  if (result.code === 'ENOENT') {
    throw new VlabError('host', `${command} is not installed`, { hint: `install ${command} and try again` });
  }
  return {
    exitCode: result.exitCode ?? (result.timedOut ? 124 : 128),
    stdout: String(result.stdout ?? ''),
    stderr: String(result.stderr ?? ''),
  };
}

/** Like `run`, but a non-zero exit is an error that names the command and the last line it said. */
export async function mustRun(command: string, args: readonly string[], options: Options = {}): Promise<Ran> {
  const ran = await run(command, args, options);
  if (ran.exitCode !== 0) {
    const said = (ran.stderr || ran.stdout).trim().split('\n').at(-1) ?? '';
    throw new VlabError('operation', `${command} ${args.join(' ')} ended with ${ran.exitCode}: ${said}`);
  }
  return ran;
}

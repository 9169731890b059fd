/** The flags of `exec` (docker-exec(1)), and what they ask for. */
import type { Interfaces } from '@oclif/core';
import { refuse } from '../../engine/define/asked-error.js';
import type { ExecRequest } from '../../engine/define/exec-request.js';
import { readEnvironment } from './env.js';
import { on, text, texts } from './flag.js';
import type { Surroundings } from './read-container.js';

export const EXEC_FLAGS = {
  interactive: on('keep standard input open', { char: 'i' }),
  tty: on('give the program a terminal of its own', { char: 't' }),
  detach: on('return when the program runs', { char: 'd' }),
  env: texts('environment variable', { char: 'e', value: 'NAME=VALUE' }),
  'env-file': texts('environment variables from a file, one a line', { value: 'FILE' }),
  workdir: text('working directory in the container', { char: 'w', value: 'DIR' }),
  user: text('who runs it: NAME or UID, with :GROUP or :GID', { char: 'u', value: 'USER' }),
  privileged: on('give it every capability, and every system call'),
  'detach-keys': text('the keys that leave it running: ctrl-p,ctrl-q', { value: 'KEYS' }),
};

export type ExecFlags = Partial<Interfaces.InferredFlags<typeof EXEC_FLAGS>>;

export interface AskedExec extends ExecRequest {
  /** As it was written. */
  container: string;
}

/** `words`: the container and the command. Error (`input`): one of them is missing. */
export function readExec(flags: ExecFlags, words: readonly string[], around: Surroundings): AskedExec {
  const [container, ...args] = words;
  if (container === undefined || args.length === 0) {
    throw refuse('no container or no command is given', 'vlab exec CONTAINER COMMAND [ARG...]');
  }
  const cwd = flags.workdir || undefined;
  if (cwd !== undefined && !cwd.startsWith('/')) {
    throw refuse(`the working directory '${cwd}' is invalid, it needs to be an absolute path`);
  }
  return {
    container,
    args,
    tty: flags.tty ?? false,
    interactive: flags.interactive ?? false,
    detach: flags.detach ?? false,
    env: readEnvironment(flags, around.env, around.readText).filter((entry) => entry.includes('=')),
    ...(flags.user ? { user: flags.user } : {}),
    ...(cwd === undefined ? {} : { cwd }),
    privileged: flags.privileged ?? false,
    ...(flags['detach-keys'] === undefined ? {} : { detachKeys: flags['detach-keys'] }),
  };
}

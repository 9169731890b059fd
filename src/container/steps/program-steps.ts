/** The program of a container as steps (execve(2)). Pure. */
import { flags } from '../../sys/abi.js';
import { type ArgLike, label, type PlanBuilder, type StepOptions } from '../../sys/plan.js';
import type { OciConfig } from '../config/schema.js';

/** A name without a slash is not there, or not in this directory of PATH. */
const NOT_HERE = ['ENOENT', 'ENOTDIR', 'EACCES'] as const;

/**
 * Where the program may be. A name without a slash is tried in each directory of PATH, as execvp(3) does, but from within
 * the container: no look-up on the host could be trusted.
 */
export function candidatesOf({ args, env }: OciConfig['process']): string[] {
  const name = args[0] ?? '';
  if (name.includes('/')) return [name];
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  return path.split(':').map((directory) => `${directory || '.'}/${name}`);
}

/** Why the steps that run and look for the program are there, by which their failures are known. */
export const runsIt = (candidate: string): string => `run ${candidate}`;
export const findsIt = (candidate: string): string => `find ${candidate}`;

/** `failed`: a pipe that is told the negative errno (8 bytes) when the program cannot be run; then the process ends with 127. */
export function execProgram(b: PlanBuilder, config: OciConfig, failed?: ArgLike): void {
  const { args, env } = config.process;
  const candidates = candidatesOf(config.process);
  const argv = b.stringArray(args, 'argv');
  const envp = b.stringArray(env, 'envp');
  const hint = `look for ${args[0]} in ${config.root.path}: it must exist there, be executable, and find its interpreter`;
  const run = (candidate: string, options: StepOptions) =>
    b.step('execve', [b.str(candidate), argv, envp], runsIt(candidate), { hint, ...options });
  if (!failed) {
    candidates.forEach((candidate, index) => {
      run(candidate, index === candidates.length - 1 ? {} : { tolerate: ['ENOENT', 'ENOTDIR'] });
    });
    return;
  }
  const told = label('not run');
  const outcome = b.word('outcome');
  for (const candidate of candidates.slice(0, -1)) {
    const next = label(`not ${candidate}`);
    run(candidate, { result: outcome, accept: ANY_ERROR, tolerate: [...NOT_HERE], jump: next });
    b.step('getpid', [], 'it is there, but cannot be run', { jump: told, jumpOn: 'positive' });
    b.place(next);
  }
  run(candidates.at(-1) ?? '', { result: outcome, accept: ANY_ERROR });
  b.place(told);
  b.step('write', [failed, b.addressOf(outcome), 8], 'tell why it could not be run');
  b.step('exit_group', [127], 'and end');
}

/** MAX_ERRNO of the kernel. execve(2) returns only then. */
const ANY_ERROR = [-4095, -1] as const;

/**
 * Looks for the program without running it, so that `create` can already say that it is not there (runc and crun do).
 * Steps of the process that will run it, as the user it will run as.
 */
export function findProgram(b: PlanBuilder, config: OciConfig): void {
  const candidates = candidatesOf(config.process);
  const found = label('found');
  candidates.forEach((candidate, index) => {
    const args = [flags('AT_FDCWD'), b.str(candidate), 1 /* X_OK */] as const;
    if (index === candidates.length - 1) {
      b.step('faccessat', [...args], findsIt(candidate), {
        hint: 'the program must exist in the container, and be executable',
      });
      return;
    }
    const next = label(`try ${candidates[index + 1]}`);
    b.step('faccessat', [...args], findsIt(candidate), { tolerate: [...NOT_HERE], jump: next });
    b.step('getpid', [], 'it is there', { jump: found, jumpOn: 'positive' });
    b.place(next);
  });
  b.place(found);
}

/** Failures as the runtimes' callers read them: podman and docker look for these words to choose exit codes 126 and 127. */
import { VlabError } from '../base/errors.js';
import type { OciConfig } from '../container/config/schema.js';
import { candidatesOf, findsIt, runsIt } from '../container/steps/program-steps.js';
import { errnoName } from '../sys/abi.js';
import type { PlanFailure } from '../sys/channel.js';

const WORDS: Record<string, string> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EACCES: 'permission denied',
  ENOEXEC: 'exec format error',
  E2BIG: 'argument list too long',
};

/**
 * A plan that failed where the program was looked for, or at any other step. `reply`: the errno of a program that could not be
 * run, negative (conversation.ts).
 */
export function asStartFailure(failure: PlanFailure, config: OciConfig, reply: Buffer): VlabError {
  const notRun = reply.length === 8 ? Number(-reply.readBigInt64LE(0)) : 0;
  if (notRun > 0) return executableFailure(config, errnoName(notRun), failure);
  const step = failure.plan.steps[failure.index];
  const isSearch = candidatesOf(config.process).some(
    (path) => step?.why === findsIt(path) || step?.why === runsIt(path),
  );
  if (!isSearch) return failure;
  return executableFailure(config, failure.errno, failure);
}

/** The program cannot be run, or is not there. */
export function executableFailure(config: OciConfig, errno: string | undefined, cause?: PlanFailure): VlabError {
  const program = config.process.args[0] ?? '';
  const message =
    errno === 'ENOENT' && !program.includes('/')
      ? `exec: ${JSON.stringify(program)}: executable file not found in $PATH`
      : `exec: ${JSON.stringify(program)}: ${WORDS[errno ?? ''] ?? errno}`;
  return new VlabError('operation', message, {
    hint: 'it must exist in the container, be executable, and find its interpreter',
    ...(cause === undefined ? {} : { cause }),
  });
}

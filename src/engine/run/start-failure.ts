/** A plan that failed, as docker tells it: exit code 127 for a program that is not there, 126 for one that cannot be run. */
import { VlabError } from '../../base/errors.js';
import type { OciConfig } from '../../container/config/schema.js';
import { asStartFailure } from '../../oci/failure.js';
import type { PlanFailure } from '../../sys/channel.js';

/** `reply`: the errno of a program that could not be run, negative (conversation.ts). */
export function startFailure(failure: PlanFailure, config: OciConfig, reply: Buffer): VlabError {
  return withDockersCode(asStartFailure(failure, config, reply));
}

/** A failure of asStartFailure with docker's exit code. */
export function withDockersCode(said: VlabError): VlabError {
  const ofProgram = said.message.startsWith('exec: "');
  const missing = /not found in \$PATH$|no such file or directory$|not a directory$/.test(said.message);
  const exitCode = !ofProgram ? 125 : missing ? 127 : 126;
  return new VlabError(said.blame, said.message, {
    exitCode,
    cause: said.cause,
    ...(said.hint ? { hint: said.hint } : {}),
  });
}

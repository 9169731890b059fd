/** The start that `run` makes of a new container. */
import { VlabError } from '../base/errors.js';
import { removeContainer } from '../engine/life/remove-container.js';
import { type StartOptions, startContainer } from '../engine/life/start-container.js';
import type { ContainerRecord } from '../engine/record/records.js';
import type { Started } from '../engine/run/start-request.js';

/**
 * One that cannot be started is kept as docker keeps it, unless it is to be removed at its end. Its failure has docker's exit code:
 * 125, unless the program itself was the reason.
 */
export async function startOrUndo(
  { id, definition }: ContainerRecord,
  options: StartOptions,
): Promise<Started | undefined> {
  try {
    return await startContainer(id, options);
  } catch (error) {
    if (definition.autoRemove) await removeContainer(id, { force: true, volumes: true });
    if (!(error instanceof VlabError) || error.exitCode >= 125) throw error;
    const { blame, message, hint } = error;
    throw new VlabError(blame, message, { cause: error, ...(hint === undefined ? {} : { hint }), exitCode: 125 });
  }
}

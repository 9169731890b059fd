import { restoreContainer } from '../checkpoint/restore-container.js';
import { DONE, type Verb } from '../invocation.js';

/** A container out of the files of a checkpoint. Without --detach it waits for its end, as `run` does. */
export const restore: Verb = async (invocation) => {
  const { exitCode, warnings } = await restoreContainer(
    invocation,
    invocation.flags.has('detach') ? 'detached' : 'foreground',
  );
  return exitCode === undefined ? { ...DONE, warnings } : { exitCode, ended: true, warnings };
};

import { createContainer } from '../create-container.js';
import { DONE, type Verb } from '../invocation.js';

/** `create` and `start` in one; without --detach it waits and cleans up, and its exit code is the program's. */
export const run: Verb = async (invocation) => {
  const { exitCode, warnings } = await createContainer(
    invocation,
    invocation.flags.has('detach') ? 'detached' : 'foreground',
  );
  return exitCode === undefined ? { ...DONE, warnings } : { exitCode, ended: true, warnings };
};

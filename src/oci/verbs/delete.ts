import { BrokenError, MissingError } from '../container-errors.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { deleteContainer, removeBroken } from '../remove-container.js';
import { listIds } from '../state.js';

/** runtime.md, "Delete": only what has stopped; --force kills first, and does not mind when there is nothing. */
export const deleteVerb: Verb = async (invocation) => {
  const container = namedContainer(invocation);
  const removal = { force: invocation.flags.has('force'), until: invocation.caller.gone };
  try {
    return { ...DONE, ...(await deleteContainer(container, removal)) };
  } catch (error) {
    if (!removal.force) throw error;
    if (error instanceof BrokenError) return { ...DONE, warnings: await removeBroken(container, removal) };
    if (!(error instanceof MissingError)) throw error;
    listIds(container.root); // which removes what killed commands left
    return DONE;
  }
};

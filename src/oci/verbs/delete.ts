import { errnoOf, VlabError } from '../../base/errors.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { lockedContainer } from '../locked-container.js';
import { removeContainer } from '../remove-container.js';
import type { Container } from '../state.js';

/** runtime.md, "Delete": only what has stopped; --force kills first, and does not mind when there is nothing. */
export const deleteVerb: Verb = async (invocation) => {
  const container = namedContainer(invocation);
  const force = invocation.flags.has('force');
  try {
    return await lockedContainer(container, async ({ record, status }) => {
      if (status !== 'stopped' && !force) {
        throw new VlabError('operation', `cannot delete container ${container.id} that is not stopped: ${status}`, {
          hint: 'kill it first, or use --force',
        });
      }
      const warnings = await removeContainer(container, record, { config: configOf(container), force });
      return { ...DONE, warnings };
    });
  } catch (error) {
    if (!force) throw error;
    // What a creator left that died before its first record.
    if (error instanceof VlabError && error.hint?.includes('--force')) container.remove();
    else if (!(error instanceof VlabError && error.message === container.missing().message)) throw error;
    return DONE;
  }
};

/** Its poststop hooks are lost with it when it cannot be read; everything else can go all the same. */
function configOf(container: Container) {
  try {
    return container.config();
  } catch (error) {
    if (error instanceof VlabError || errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

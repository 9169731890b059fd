import { createContainer } from '../create-container.js';
import { DONE, type Verb } from '../invocation.js';

/** runtime.md, "Create": everything but the program. */
export const create: Verb = async (invocation) => {
  const { warnings } = await createContainer(invocation, 'create');
  return { ...DONE, warnings };
};

import { checkpointContainer } from '../checkpoint/checkpoint-container.js';
import { namedContainer, type Verb } from '../invocation.js';
import { lockedContainer } from '../locked-container.js';

/** Writes a running container to files; it is gone afterwards, but with --leave-running or --pre-dump. */
export const checkpoint: Verb = (invocation) =>
  lockedContainer(namedContainer(invocation), (found) => checkpointContainer(invocation, found));

import { VlabError } from '../../base/errors.js';
import { pause as freeze } from '../../container/cgroup/freezer.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { lockedContainer } from '../locked-container.js';

/** Stops all processes of a container, without their knowing. */
export const pause: Verb = (invocation) =>
  lockedContainer(namedContainer(invocation), async ({ container, record, status }) => {
    if (status !== 'running' && status !== 'created') {
      throw new VlabError('operation', `cannot pause container ${container.id}: it is ${status}`);
    }
    await freeze(record.cgroup);
    return DONE;
  });

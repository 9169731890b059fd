import { VlabError } from '../../base/errors.js';
import { resume as thaw } from '../../container/cgroup/freezer.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { lockedContainer } from '../locked-container.js';

/** Lets a paused container go on. */
export const resume: Verb = (invocation) =>
  lockedContainer(namedContainer(invocation), async ({ container, record, status }) => {
    if (status !== 'paused') {
      throw new VlabError('operation', `cannot resume container ${container.id}: it is ${status}, not paused`);
    }
    await thaw(record.cgroup);
    return DONE;
  });

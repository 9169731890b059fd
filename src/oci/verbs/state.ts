import { namedContainer, type Verb } from '../invocation.js';
import { findContainer } from '../locked-container.js';
import { ociState } from '../state.js';

/** runtime.md, "Query State". */
export const state: Verb = async (invocation) => {
  const { record, status } = findContainer(namedContainer(invocation));
  const { id, ociVersion, bundle, pid, annotations } = ociState(record, status);
  // The order, and what runc adds, are what callers have got used to.
  const shown = {
    ociVersion,
    id,
    pid: pid ?? 0,
    status,
    bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(annotations ? { annotations } : {}),
    owner: '',
  };
  return { exitCode: 0, stdout: `${JSON.stringify(shown, null, 2)}\n` };
};

/** What can be wrong with a container as such, whatever is asked of it. */
import { VlabError } from '../base/errors.js';

/** There is no such container. */
export class MissingError extends VlabError {
  constructor(id: string) {
    super('operation', `container ${JSON.stringify(id)} does not exist`);
  }
}

/** What is there of it is not what this runtime writes: somebody else has changed it. */
export class BrokenError extends VlabError {
  constructor(what: string, options: { cause?: unknown } = {}) {
    super('operation', what, { ...options, hint: 'vlab-oci delete --force removes what is left of it' });
  }
}

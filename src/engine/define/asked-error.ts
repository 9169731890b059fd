import { VlabError } from '../../base/errors.js';

/** What docker's daemon answers where a container cannot be as it was asked for. */
export function refuse(message: string, hint?: string): VlabError {
  return new VlabError('input', message, { exitCode: 125, ...(hint === undefined ? {} : { hint }) });
}

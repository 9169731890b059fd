import { VlabError } from '../../base/errors.js';

/** A mistake in a Dockerfile: which file, which line, what, and what to do. */
export function dockerfileFault(file: string, line: number, what: string, hint?: string): VlabError {
  return new VlabError('input', `${file}:${line}: ${what}`, hint === undefined ? {} : { hint });
}

import { VlabError } from '../base/errors.js';

export function notOpen(number: number): VlabError {
  return new VlabError('input', `--preserve-fds asks for descriptor ${number}, which is not open`);
}

import { VlabError } from '../base/errors.js';

/** The caller's descriptors from 3 on, `count` of them. Error (`input`): one is not open. */
export function openNumbers(count: number, isOpen: (number: number) => boolean): number[] {
  const numbers: number[] = [];
  for (let number = 3; number < 3 + count; number++) {
    if (!isOpen(number))
      throw new VlabError('input', `--preserve-fds asks for descriptor ${number}, which is not open`);
    numbers.push(number);
  }
  return numbers;
}

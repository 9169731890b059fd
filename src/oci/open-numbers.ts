import { VlabError } from '../base/errors.js';

/** The caller's descriptors from 3 on, `count` of them. Error (`input`): one is not open. */
export function openNumbers(count: number, isOpen: (number: number) => boolean): number[] {
  const numbers: number[] = [];
  for (let number = 3; number < 3 + count; number++) {
    mustBeOpen(number, isOpen(number), '--preserve-fds');
    numbers.push(number);
  }
  return numbers;
}

export function mustBeOpen(number: number, isOpen: boolean, flag = 'the command'): void {
  if (!isOpen) throw new VlabError('input', `${flag} asks for descriptor ${number}, which is not open`);
}

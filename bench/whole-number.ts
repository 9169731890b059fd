import { VlabError } from '../src/base/errors.js';

/** The value of a flag. Error (`input`): it is no whole number from `low` to `high`. */
export function wholeNumber(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new VlabError('input', `${name} ${text} is no whole number from ${low} to ${high}`);
  }
  return value;
}

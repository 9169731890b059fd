/** Flags as all tables of this folder write them: short, and each with docker's name. */
import { Flags } from '@oclif/core';

interface More {
  char?: string;
  aliases?: string[];
  group?: string;
  value?: string;
  hidden?: boolean;
}

type Letter = NonNullable<NonNullable<Parameters<typeof Flags.boolean>[0]>['char']>;

const common = (description: string, { char, aliases, group, value, hidden }: More) => ({
  description,
  ...(char === undefined ? {} : { char: char as Letter }),
  ...(aliases === undefined ? {} : { aliases }),
  ...(group === undefined ? {} : { helpGroup: group }),
  ...(value === undefined ? {} : { helpValue: value }),
  ...(hidden ? { hidden } : {}),
});

export const text = (description: string, more: More = {}) => Flags.string(common(description, more));
/** May be given several times. */
export const texts = (description: string, more: More = {}) =>
  Flags.string({ ...common(description, more), multiple: true as const });
export const on = (description: string, more: More = {}) => Flags.boolean(common(description, more));

/**
 * Command lines as docker's parser (github.com/spf13/pflag) reads them, written as oclif's does: short flags behind one dash
 * with a value at their end (`-dp8080:80`, `-e=A=B`), `--rm=false`, values that begin with a dash (`--memory-swap -1`), and the
 * last of several values where one is meant. Pure.
 */
import { VlabError } from '../base/errors.js';
import { type FlagShape, findLong, findShort } from './tail.js';

/** What decides how a flag is written for oclif. */
export interface WordShape extends FlagShape {
  name?: string;
  multiple?: boolean;
  /** `--no-NAME` is the way to say that it is off. */
  allowNo?: boolean;
}

/** strconv.ParseBool of Go. */
const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

interface Written {
  flag?: string;
  word: string;
}

/**
 * The words before the tail, for oclif. What is no flag of `flags` stays as it is: oclif tells.
 * Error (`input`): a flag without its value, and a value that is neither true nor false.
 */
export function plainWords(words: readonly string[], flags: Record<string, WordShape>): string[] {
  const written: Written[] = [];
  const forget = (name: string) => {
    for (let at = written.length - 1; at >= 0; at--) if (written[at]?.flag === name) written.splice(at, 1);
  };
  const put = ([name, flag]: [string, WordShape], value: string | undefined, spelt: string) => {
    if (flag.type === 'boolean') {
      const on = value === undefined || TRUE.has(value);
      if (!on && !FALSE.has(value)) throw wrongValue(value, spelt);
      forget(name);
      if (on) written.push({ flag: name, word: `--${name}` });
      else if (flag.allowNo) written.push({ flag: name, word: `--no-${name}` });
      return;
    }
    if (value === undefined) throw new VlabError('input', `flag needs an argument: ${spelt}`);
    if (!flag.multiple) forget(name);
    written.push({ flag: name, word: `--${name}=${value}` });
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      written.push(...words.slice(at).map((rest) => ({ word: rest })));
      break;
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const spelt = equals < 0 ? word : word.slice(0, equals);
      const found = findLong(spelt.slice(2), flags);
      if (!found) written.push({ word });
      else if (equals >= 0) put(found, word.slice(equals + 1), spelt);
      else put(found, found[1].type === 'boolean' ? undefined : words[++at], spelt);
    } else if (word.startsWith('-') && word !== '-') at += putShort(word, words[at + 1], flags, put, written);
    else written.push({ word });
  }
  return written.map(({ word }) => word);
}

type Put = (found: [string, WordShape], value: string | undefined, spelt: string) => void;

/** How many of the words behind it belong to it: none or one. */
function putShort(
  word: string,
  next: string | undefined,
  flags: Record<string, WordShape>,
  put: Put,
  written: Written[],
): number {
  for (let at = 1; at < word.length; at++) {
    const char = word[at] ?? '';
    const found = findShort(char, flags);
    const rest = word.slice(at + 1);
    if (!found) {
      written.push({ word: `-${char}${rest}` });
      return 0;
    }
    const spelt = `'${char}' in ${word}`;
    if (rest.startsWith('=')) {
      put(found, rest.slice(1), spelt);
      return 0;
    }
    if (found[1].type === 'boolean') put(found, undefined, spelt);
    else {
      put(found, rest === '' ? next : rest, spelt);
      return rest === '' ? 1 : 0;
    }
  }
  return 0;
}

function wrongValue(value: string, spelt: string): VlabError {
  return new VlabError('input', `invalid argument ${JSON.stringify(value)} for ${spelt}: it is either true or false`);
}

/**
 * Which words of a command line are vlab's and which belong to the program that vlab starts. oclif knows only `--`, takes
 * flags from anywhere before it (`vlab run DIR ls --help` would print vlab's help), and its `argv` result moves words that
 * occur twice next to each other. So the words that are not ours never reach its parser.
 */

/**
 * Where the tail begins.
 * - `none`: nowhere; every word is parsed.
 * - `dashes`: after the first `--` (`vlab bench -d container -- CMD -x`).
 * - `first-positional`: at the first word that is neither a flag nor a flag's value (`vlab run --rootfs DIR ls -la`), or
 *   after a `--` that comes earlier. The first positional itself is part of the tail.
 * - `positionals`: all words that are neither, and all after the first `--`: names, among which flags may stand
 *   (`vlab rm web -f db`).
 */
export type TailRule = 'none' | 'dashes' | 'first-positional' | 'positionals';

/** The part of a flag's definition that decides whether the next word is its value. */
export interface FlagShape {
  type: 'boolean' | 'option';
  char?: string | undefined;
  aliases?: readonly string[] | undefined;
  charAliases?: readonly string[] | undefined;
}

export interface SplitLine {
  /** For vlab's parser. */
  head: string[];
  /** For the program, or the names; untouched. */
  tail: string[];
}

/** Splits the words after the command's name. */
export function splitTail(words: readonly string[], rule: TailRule, flags: Record<string, FlagShape>): SplitLine {
  if (rule === 'none') return { head: [...words], tail: [] };
  const names: number[] = [];
  const split = (end: number, tailFrom: number): SplitLine => ({
    head: words.slice(0, end).filter((_, at) => !names.includes(at)),
    tail: [...names.map((at) => words[at] ?? ''), ...words.slice(tailFrom)],
  });
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') return split(at, at + 1);
    const isFlag = word.startsWith('-') && word !== '-';
    if (isFlag && takesNextWord(word, flags)) at++;
    else if (!isFlag && rule === 'first-positional') return split(at, at);
    else if (!isFlag && rule === 'positionals') names.push(at);
  }
  return split(words.length, words.length);
}

/** True when `word` is a flag with a value and carries none itself: `--rootfs`, `-m`, `-tm` with a boolean `-t`. */
function takesNextWord(word: string, flags: Record<string, FlagShape>): boolean {
  if (word.startsWith('--')) return findLong(word.slice(2), flags)?.[1].type === 'option';
  for (let at = 1; at < word.length; at++) {
    const flag = findShort(word[at] ?? '', flags)?.[1];
    if (flag?.type === 'option') return at === word.length - 1;
    if (flag === undefined) return false;
  }
  return false;
}

/** A flag and its name, by that name or another of its long ones. */
export function findLong<F extends FlagShape>(name: string, flags: Record<string, F>): [string, F] | undefined {
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  return flag ? [name, flag] : Object.entries(flags).find(([, other]) => other.aliases?.includes(name));
}

/** The same by one of its letters. */
export function findShort<F extends FlagShape>(char: string, flags: Record<string, F>): [string, F] | undefined {
  return Object.entries(flags).find(([, flag]) => flag.char === char || flag.charAliases?.includes(char));
}

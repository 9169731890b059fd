/**
 * Words → flags and arguments, as the runtimes' callers write them: global flags, the verb, its flags, then arguments, which
 * end the flags (an `exec` passes the rest on). `--flag value`, `--flag=value`, `-f value`, `--flag=false`. Pure.
 */
import { VlabError } from '../base/errors.js';

export type FlagKind = 'boolean' | 'string' | 'list';
/** By long name; aliases of one letter are written `name|n`. */
export type FlagTable = Readonly<Record<string, FlagKind>>;

export interface Parsed {
  flags: Map<string, string | true | string[]>;
  rest: string[];
}

/** Takes flags from the front of `words`. Errors: `input` for one that is not in the table, or lacks its value. */
export function takeFlags(words: readonly string[], table: FlagTable, where: string): Parsed {
  const known = new Map(
    Object.entries(table).flatMap(([names, kind]) => {
      const [name = '', ...aliases] = names.split('|');
      return [name, ...aliases].map((one) => [one, { name, kind }] as const);
    }),
  );
  const flags: Parsed['flags'] = new Map();
  for (let at = 0; ; at++) {
    const word = words[at];
    if (word === undefined || !word.startsWith('-') || word === '-') return { flags, rest: words.slice(at) };
    if (word === '--') return { flags, rest: words.slice(at + 1) };
    const [, spelled = '', given] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = known.get(spelled);
    if (!flag) throw new VlabError('input', `${where}: unknown flag ${word}`, { hint: 'vlab-oci --help lists them' });
    if (flag.kind === 'boolean') {
      if (given === 'false' || given === '0') flags.delete(flag.name);
      else flags.set(flag.name, true);
      continue;
    }
    const value = given ?? words[++at];
    if (value === undefined) throw new VlabError('input', `${where}: ${word} needs a value`);
    if (flag.kind === 'string') flags.set(flag.name, value);
    else flags.set(flag.name, [...((flags.get(flag.name) as string[] | undefined) ?? []), value]);
  }
}

/** Typed access to the flags of a verb. */
export class Flags {
  constructor(private readonly flags: Parsed['flags']) {}

  has(name: string): boolean {
    return this.flags.get(name) === true;
  }

  string(name: string): string | undefined {
    const value = this.flags.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  list(name: string): string[] {
    const value = this.flags.get(name);
    return Array.isArray(value) ? value : [];
  }

  /** What was given to flags that take something. */
  values(): string[] {
    return [...this.flags.values()].flatMap((value) => (value === true ? [] : value));
  }

  /** A whole number, or undefined when it is not given. Error: `input`. */
  integer(name: string): number | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    if (!/^-?\d+$/.test(text)) throw new VlabError('input', `--${name} ${text} is no whole number`);
    return Number(text);
  }
}

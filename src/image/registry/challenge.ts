/** What a server says it wants to be shown, before it answers: WWW-Authenticate (RFC 9110 section 11.6.1). */

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  scheme: string;
  /** Names in lower case. */
  parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const BETWEEN = /[\s,]*/y;
const PARAMETER = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`, 'sy');
const SCHEME = new RegExp(`(${TOKEN})(?=[\\s,]|$)`, 'y');
/** One value without a name behind a scheme, as Negotiate has it. */
const TOKEN68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;

/** The challenges of one header, or of several joined by commas, in their order. What cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(header) ?? undefined;
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(BETWEEN);
    const current = found.at(-1);
    const parameter = current && take(PARAMETER);
    if (parameter) {
      const [, name = '', quoted, plain = ''] = parameter;
      current.parameters.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replace(/\\(.)/gs, '$1'));
      continue;
    }
    const scheme = take(SCHEME)?.[1];
    if (scheme === undefined) return found;
    found.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    take(TOKEN68);
  }
}

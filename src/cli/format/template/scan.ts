/** The words of a Go template (text/template/parse/lex.go): text, and inside `{{ }}` names, constants and signs. Pure. */

export type WordKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'field'
  | 'dot'
  | 'variable'
  | 'name'
  | 'number'
  | 'string'
  | 'char'
  | 'sign'
  | 'end';

export interface Word {
  kind: WordKind;
  /** As it is written; for a string and a character what it means. */
  text: string;
  /** As it is written. */
  raw: string;
  /** Bytes before it are not counted: the position is one of UTF-16 units. */
  at: number;
}

/** What is wrong with a template, and where. */
export class TemplateFault extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

/** Order counts: the longer sign first. */
const WORDS: readonly [WordKind, RegExp][] = [
  ['space', /\s+/y],
  ['string', /"(?:\\.|[^"\\\n])*"|`[^`]*`/y],
  ['char', /'(?:\\.|[^'\\\n])+'/y],
  ['field', /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y],
  ['dot', /\./y],
  ['variable', /\$(?:[\p{L}_][\p{L}\p{Nd}_]*)?/uy],
  ['name', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['sign', /:=|[|(),=]/y],
];

/** Error (TemplateFault): what the lexer of Go refuses, in its words. */
export function scanTemplate(source: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf('{{', at);
    const text = source.slice(at, open < 0 ? undefined : open);
    const trimsLeft = open >= 0 && /^-\s/.test(source.slice(open + 2, open + 4));
    pushText(words, trimsLeft ? text.trimEnd() : text, at);
    if (open < 0) break;
    at = open + 2 + (trimsLeft ? 1 : 0);
    at = scanComment(source, at) ?? scanAction(source, open, at, words);
    if (source.slice(at - 3, at) === '-}}' && /\s/.test(source.charAt(at - 4))) at += leadingSpace(source.slice(at));
  }
  words.push({ kind: 'end', text: '', raw: '', at: source.length });
  return words;
}

function pushText(words: Word[], text: string, at: number): void {
  if (text !== '') words.push({ kind: 'text', text, raw: text, at });
}

function leadingSpace(text: string): number {
  return text.length - text.trimStart().length;
}

/** The end of a comment that begins here; undefined: there is none. */
function scanComment(source: string, from: number): number | undefined {
  const at = from + leadingSpace(source.slice(from));
  if (!source.startsWith('/*', at)) return undefined;
  const end = source.indexOf('*/', at);
  if (end < 0) throw new TemplateFault(at, 'unclosed comment');
  const close = /^\*\/(?:\s+-)?\}\}/.exec(source.slice(end));
  if (!close) throw new TemplateFault(end, 'comment ends before closing delimiter');
  return end + close[0].length;
}

/** Adds the words of one action and gives the place behind it. */
function scanAction(source: string, open: number, from: number, words: Word[]): number {
  words.push({ kind: 'open', text: '{{', raw: '{{', at: open });
  let at = from;
  let depth = 0;
  for (;;) {
    const close = /^(?:\s+-)?\}\}/.exec(source.slice(at));
    if (close) {
      if (depth > 0) throw new TemplateFault(at, 'unclosed left paren');
      words.push({ kind: 'close', text: '}}', raw: '}}', at });
      return at + close[0].length;
    }
    if (at >= source.length) throw new TemplateFault(source.length, 'unclosed action');
    const word = nextWord(source, at);
    if (word.raw === '(') depth++;
    if (word.raw === ')' && --depth < 0) throw new TemplateFault(at, 'unexpected right paren');
    words.push(word);
    at += word.raw.length;
  }
}

function nextWord(source: string, at: number): Word {
  for (const [kind, pattern] of WORDS) {
    pattern.lastIndex = at;
    const raw = pattern.exec(source)?.[0];
    if (raw === undefined) continue;
    const isNumberish = kind === 'number' && /[\p{L}\p{Nd}_]/u.test(source.charAt(at + raw.length));
    if (isNumberish) throw new TemplateFault(at, `bad number syntax: "${raw}${source.charAt(at + raw.length)}"`);
    const text = kind === 'string' ? unquote(raw, at) : kind === 'char' ? unquote(`"${raw.slice(1, -1)}"`, at) : raw;
    return { kind, text, raw, at };
  }
  const sign = String.fromCodePoint(source.codePointAt(at) ?? 0);
  if (sign === '"') throw new TemplateFault(at, 'unterminated quoted string');
  if (sign === '`') throw new TemplateFault(at, 'unterminated raw quoted string');
  if (sign === "'") throw new TemplateFault(at, 'unterminated character constant');
  const code = sign.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  const inWord = /[\p{L}\p{Nd}_]/u.test(source.charAt(at - 1));
  throw new TemplateFault(at, `${inWord ? 'bad character' : 'unrecognized character in action:'} U+${code} '${sign}'`);
}

const ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** What a Go string constant means. */
function unquote(raw: string, at: number): string {
  if (raw.startsWith('`')) return raw.slice(1, -1);
  return raw.slice(1, -1).replace(/\\(x..|u.{4}|U.{8}|[0-7]{3}|.)/gs, (_, sequence: string) => {
    const named = ESCAPES[sequence];
    if (named !== undefined) return named;
    const code = /^[0-7]{3}$/.test(sequence) ? Number.parseInt(sequence, 8) : hexCode(sequence);
    if (code === undefined || code > 0x10ffff) throw new TemplateFault(at, 'invalid syntax');
    return String.fromCodePoint(code);
  });
}

function hexCode(sequence: string): number | undefined {
  const digits = sequence.slice(1);
  return /^[xuU]$/.test(sequence.charAt(0)) && /^[0-9a-fA-F]{2,}$/.test(digits)
    ? Number.parseInt(digits, 16)
    : undefined;
}

/** Quotes and variables in the words of instructions, as BuildKit's shell lexer reads them (frontend/dockerfile/shell). Pure. */

export interface Expansion {
  /** `\` or a backtick. */
  escapeSign: string;
  valueOf: (name: string) => string | undefined;
  /** False: quotes are signs like others, as in here-documents. */
  quotes?: boolean;
}

/** What is wrong with a word; the caller says where. */
export class WordFault extends Error {}

/** The words, with quotes taken off and variables put in. What a variable brings is not split. */
export function expandWords(text: string, expansion: Expansion): string[] {
  return new Lexer(text, expansion).words();
}

/** The whole as one word. */
export function expandWord(text: string, expansion: Expansion): string {
  return new Lexer(text, expansion).all();
}

/** Words apart at spaces that are not quoted, otherwise as they stand (parseWords of BuildKit's parser). */
export function splitWords(text: string, escapeSign: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (quote === '' && /\s/.test(sign)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (sign === escapeSign && quote !== "'" && at + 1 < text.length) {
      word += sign + text.charAt(++at);
      continue;
    }
    if (quote === sign) quote = '';
    else if (quote === '' && (sign === '"' || sign === "'")) quote = sign;
    word += sign;
  }
  if (word !== '') words.push(word);
  return words;
}

class Lexer {
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly expansion: Expansion,
  ) {}

  all(): string {
    let result = '';
    while (this.#at < this.text.length) result += this.#piece();
    return result;
  }

  words(): string[] {
    const words: string[] = [];
    let word: string | undefined;
    while (this.#at < this.text.length) {
      if (/\s/.test(this.#peek())) {
        this.#at++;
        if (word !== undefined) words.push(word);
        word = undefined;
        continue;
      }
      const isQuote = this.#peek() === '"' || this.#peek() === "'";
      const piece = this.#piece();
      if (piece !== '' || isQuote) word = (word ?? '') + piece;
    }
    if (word !== undefined) words.push(word);
    return words;
  }

  #piece(): string {
    const sign = this.#peek();
    if (sign === '$') return this.#dollar();
    if (this.expansion.quotes !== false) {
      if (sign === "'") return this.#single();
      if (sign === '"') return this.#double();
    }
    this.#at++;
    if (sign !== this.expansion.escapeSign) return sign;
    return this.#at < this.text.length ? this.#next() : sign;
  }

  #single(): string {
    const end = this.text.indexOf("'", this.#at + 1);
    if (end < 0) throw new WordFault('unexpected end of statement while looking for matching single-quote');
    const inner = this.text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return inner;
  }

  #double(): string {
    this.#at++;
    let result = '';
    for (;;) {
      if (this.#at >= this.text.length) {
        throw new WordFault('unexpected end of statement while looking for matching double-quote');
      }
      const sign = this.#peek();
      if (sign === '"') {
        this.#at++;
        return result;
      }
      if (sign === '$') {
        result += this.#dollar();
        continue;
      }
      this.#at++;
      // Only these are escaped in double quotes.
      if (sign === this.expansion.escapeSign && ['"', '$', this.expansion.escapeSign].includes(this.#peek()))
        result += this.#next();
      else result += sign;
    }
  }

  #dollar(): string {
    this.#at++;
    if (this.#peek() === '{') return this.#braced();
    const [name = ''] = /^(?:[a-zA-Z_][a-zA-Z0-9_]*|[0-9@*#?!$-])/.exec(this.text.slice(this.#at)) ?? [];
    this.#at += name.length;
    return name === '' ? '$' : (this.expansion.valueOf(name) ?? '');
  }

  #braced(): string {
    const [all, name = '', operator = ''] =
      /^\{([a-zA-Z_][a-zA-Z0-9_]*|[0-9@*#?!$-])(\}|:[-+?]|[-+?]|##?|%%?|\/\/?)/.exec(this.text.slice(this.#at)) ?? [];
    if (all === undefined) throw new WordFault('bad substitution');
    this.#at += all.length;
    const value = this.expansion.valueOf(name);
    if (operator === '}') return value ?? '';
    const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
    const pattern = operator.startsWith('/') ? this.#until('/') : '';
    const word = this.#until('}');
    switch (operator.replace(':', '')) {
      case '-':
        return isSet ? (value ?? '') : word;
      case '+':
        return isSet ? word : '';
      case '?':
        if (!isSet) throw new WordFault(`${name}: ${word || 'not set'}`);
        return value ?? '';
      default:
        return pattern === '' ? cut(value ?? '', operator, word) : replaced(value ?? '', operator, pattern, word);
    }
  }

  /** A word that may hold quotes and variables itself. */
  #until(end: string): string {
    let result = '';
    while (this.#at < this.text.length) {
      if (this.#peek() === end) {
        this.#at++;
        return result;
      }
      result += this.#piece();
    }
    throw new WordFault(`unexpected end of statement while looking for matching ${end}`);
  }

  #peek(): string {
    return this.text.charAt(this.#at);
  }

  #next(): string {
    return this.text.charAt(this.#at++);
  }
}

/** `${name/pattern/text}`: the first; `//`: each. */
function replaced(value: string, operator: string, pattern: string, text: string): string {
  return value.replace(new RegExp(shellPattern(pattern), operator === '//' ? 'gs' : 's'), () => text);
}

/** `${name#pattern}`, `##`, `%`, `%%`. */
function cut(value: string, operator: string, pattern: string): string {
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  // The shortest part for # and %, the longest for ## and %%.
  const ordered = operator.length === 1 ? lengths : lengths.reverse();
  const whole = new RegExp(`^(?:${shellPattern(pattern)})$`, 's');
  const isPrefix = operator.startsWith('#');
  for (const length of ordered) {
    const part = isPrefix ? value.slice(0, length) : value.slice(value.length - length);
    if (whole.test(part)) return isPrefix ? value.slice(length) : value.slice(0, value.length - length);
  }
  return value;
}

function shellPattern(pattern: string): string {
  return [...pattern.matchAll(/\\(.)|(.)/gs)]
    .map(([, escaped, sign = '']) => {
      if (escaped === undefined && sign === '*') return '.*';
      if (escaped === undefined && sign === '?') return '.';
      return (escaped ?? sign).replace(/[^\w\s]/, '\\$&');
    })
    .join('');
}

/** Go's text/template, parsed (text/template/parse/parse.go), but for define, template and block. Pure. */
import type { Command, Node, Operand, Pipeline } from './nodes.js';
import { scanTemplate, TemplateFault, type Word } from './scan.js';

/** Error (TemplateFault): what Go's parser refuses, in its words. `functions` are the names that may be called. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Node[] {
  return new Parser(scanTemplate(source), functions).parse();
}

type Ending = 'end' | 'else';

class Parser {
  #next = 0;
  #variables = ['$'];
  #loops = 0;

  constructor(
    private readonly words: readonly Word[],
    private readonly functions: ReadonlySet<string>,
  ) {}

  parse(): Node[] {
    const { nodes, ending, at } = this.#list();
    if (ending) throw new TemplateFault(at, `unexpected {{${ending}}}`);
    return nodes;
  }

  /** Nodes up to an `end` or `else`, whose word is consumed, or up to the end of the template. */
  #list(): { nodes: Node[]; ending?: Ending; at: number } {
    const nodes: Node[] = [];
    for (;;) {
      const word = this.#take();
      if (word.kind === 'end') return { nodes, at: word.at };
      if (word.kind === 'text') {
        nodes.push({ kind: 'text', text: word.text });
        continue;
      }
      this.#skipSpace();
      const first = this.#peek();
      if (first.kind === 'name' && (first.text === 'end' || first.text === 'else')) {
        this.#take();
        return { nodes, ending: first.text, at: first.at };
      }
      nodes.push(this.#action(first));
    }
  }

  #action(first: Word): Node {
    const keyword = first.kind === 'name' ? first.text : '';
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        this.#take();
        return this.#control(keyword);
      case 'break':
      case 'continue':
        this.#take();
        if (this.#loops === 0) throw new TemplateFault(first.at, `{{${keyword}}} outside {{range}}`);
        this.#close(keyword);
        return { kind: keyword };
      case 'define':
      case 'template':
      case 'block':
        throw new TemplateFault(first.at, `{{${keyword}}} is not supported here`);
    }
    return { kind: 'action', pipeline: this.#pipeline('command', 'close') };
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const outer = this.#variables.length;
    const pipeline = this.#pipeline(kind, 'close');
    if (kind === 'range') this.#loops++;
    const body = this.#list();
    if (kind === 'range') this.#loops--;
    let otherwise: Node[] = [];
    if (body.ending === 'else') otherwise = this.#otherwise(kind);
    else if (body.ending === 'end') this.#close('end');
    else throw new TemplateFault(body.at, 'unexpected EOF');
    this.#variables.length = outer;
    return { kind, pipeline, body: body.nodes, otherwise };
  }

  /** What follows `{{else`: `}}` and a list, or `if …` and `with …`, which need no `end` of their own. */
  #otherwise(kind: 'if' | 'with' | 'range'): Node[] {
    this.#skipSpace();
    const word = this.#peek();
    if (word.kind === 'name' && word.text === kind && kind !== 'range') {
      this.#take();
      return [this.#control(kind)];
    }
    this.#close('else');
    const { nodes, ending, at } = this.#list();
    if (ending === 'else') throw new TemplateFault(at, 'expected end; found {{else}}');
    if (ending === undefined) throw new TemplateFault(at, 'unexpected EOF');
    this.#close('end');
    return nodes;
  }

  #pipeline(context: string, until: 'close' | ')'): Pipeline {
    this.#skipSpace();
    const { at } = this.#peek();
    const { names, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      this.#skipSpace();
      const word = this.#peek();
      const ends = until === 'close' ? word.kind === 'close' : word.raw === ')';
      if (ends) {
        this.#take();
        if (commands.length === 0) throw new TemplateFault(word.at, `missing value for ${context}`);
        checkPipeline(commands);
        if (!assigns) this.#variables.push(...names);
        const text = commands.map((command) => command.text).join(' | ');
        const left = names.length === 0 ? '' : `${names.join(', ')} ${assigns ? '=' : ':='} `;
        return { at, text: left + text, names, assigns, commands };
      }
      commands.push(this.#command(context));
    }
  }

  /** `$x :=`, `$x =` and, of `range`, `$i, $x :=`. */
  #declarations(context: string): { names: string[]; assigns: boolean } {
    const begin = this.#next;
    const names: string[] = [];
    for (;;) {
      this.#skipSpace();
      const variable = this.#take();
      if (variable.kind !== 'variable') break;
      this.#skipSpace();
      const sign = this.#take();
      names.push(variable.text);
      if (sign.raw === ':=' || sign.raw === '=') {
        const assigns = sign.raw === '=';
        if (assigns) for (const name of names) this.#mustKnow(name, variable.at);
        return { names, assigns };
      }
      if (sign.raw !== ',') break;
      if (context !== 'range' || names.length >= 2) {
        throw new TemplateFault(variable.at, `too many declarations in ${context}`);
      }
    }
    this.#next = begin;
    return { names: [], assigns: false };
  }

  #command(context: string): Command {
    const operands: Operand[] = [];
    const { at } = this.#peek();
    for (;;) {
      this.#skipSpace();
      const operand = this.#operand();
      if (operand) operands.push(operand);
      const word = this.#peek();
      if (operand && word.kind === 'space') continue;
      if (word.raw === '|' && word.kind === 'sign') this.#take();
      else if (word.kind !== 'close' && word.raw !== ')') {
        throw new TemplateFault(word.at, `unexpected ${shown(word)} in ${operand ? 'operand' : context}`);
      }
      break;
    }
    if (operands.length === 0) {
      const [sign] = this.words.slice(this.#next - 1);
      throw new TemplateFault(at, sign?.raw === '|' ? `unexpected "|" in ${context}` : 'empty command');
    }
    return { at, text: operands.map(({ text }) => text).join(' '), operands };
  }

  /** A term and the fields that follow it at once. */
  #operand(): Operand | undefined {
    const base = this.#term();
    if (!base) return undefined;
    const { at } = this.#peek();
    const names: string[] = [];
    while (this.#peek().kind === 'field') names.push(this.#take().text.slice(1));
    if (names.length === 0) return base;
    if (base.kind === 'dot' || base.kind === 'nil' || base.kind === 'constant') {
      throw new TemplateFault(at, `unexpected . after term "${base.text}"`);
    }
    const more = names.map((name) => `.${name}`).join('');
    if (base.kind === 'chain') return { ...base, at, text: base.text + more, names: [...base.names, ...names] };
    return { kind: 'chain', at, text: base.text + more, base, names };
  }

  #term(): Operand | undefined {
    const word = this.#peek();
    const { at, raw: text } = word;
    if (word.raw === '(' && word.kind === 'sign') {
      this.#take();
      const pipeline = this.#pipeline('parenthesized pipeline', ')');
      return { kind: 'pipeline', at: pipeline.at, text: `(${pipeline.text})`, pipeline };
    }
    const operand = this.#simpleTerm(word, at, text);
    if (operand) this.#take();
    return operand;
  }

  #simpleTerm(word: Word, at: number, text: string): Operand | undefined {
    switch (word.kind) {
      case 'dot':
        return { kind: 'dot', at, text };
      case 'field':
        return { kind: 'chain', at, text, base: { kind: 'dot', at, text: '.' }, names: [text.slice(1)] };
      case 'variable':
        this.#mustKnow(text, at);
        return { kind: 'variable', at, text, name: text };
      case 'string':
        return { kind: 'constant', at, text, value: word.text };
      case 'char':
        return { kind: 'constant', at, text, value: word.text.codePointAt(0) ?? 0 };
      case 'number':
        return { kind: 'constant', at, text, value: Number(text.replaceAll('_', '')) };
      case 'name':
        if (text === 'true' || text === 'false') return { kind: 'constant', at, text, value: text === 'true' };
        if (text === 'nil') return { kind: 'nil', at, text };
        if (!this.functions.has(text)) throw new TemplateFault(at, `function "${text}" not defined`);
        return { kind: 'function', at, text, name: text };
      default:
        return undefined;
    }
  }

  #mustKnow(name: string, at: number): void {
    if (!this.#variables.includes(name)) throw new TemplateFault(at, `undefined variable "${name}"`);
  }

  #close(context: string): void {
    this.#skipSpace();
    const word = this.#take();
    if (word.kind !== 'close') throw new TemplateFault(word.at, `unexpected ${shown(word)} in ${context}`);
  }

  #skipSpace(): void {
    while (this.#peek().kind === 'space') this.#next++;
  }

  #peek(): Word {
    return this.#words(0);
  }

  #take(): Word {
    const word = this.#words(0);
    this.#next++;
    return word;
  }

  #words(offset: number): Word {
    return this.words[Math.min(this.#next + offset, this.words.length - 1)] as Word;
  }
}

/** Only something that can be called may follow a `|`. */
function checkPipeline(commands: readonly Command[]): void {
  commands.slice(1).forEach(({ operands, at }, index) => {
    const [first] = operands;
    if (first && (first.kind === 'constant' || first.kind === 'dot' || first.kind === 'nil')) {
      throw new TemplateFault(at, `non executable command in pipeline stage ${index + 2}`);
    }
  });
}

function shown(word: Word): string {
  if (word.kind === 'close') return '"}}"';
  if (word.kind === 'end') return 'EOF';
  if (word.kind === 'dot') return '<.>';
  return word.kind === 'name' && ['if', 'with', 'range', 'end', 'else'].includes(word.text)
    ? `<${word.text}>`
    : JSON.stringify(word.raw);
}

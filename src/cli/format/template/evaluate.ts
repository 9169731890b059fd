/** Performs a parsed template on a value (text/template/exec.go). Pure. */

import { byCodePoint } from '../../../base/go-map.js';
import { CallFault, LAZY_FUNCTIONS, type TemplateFunction } from './functions.js';
import type { Command, Node, Operand, Pipeline } from './nodes.js';
import { TemplateFault } from './scan.js';
import { goText, isMap, isNil, isStructure, truth } from './values.js';

/** What is wrong with a value that a template meets: `at` is where in the template, `text` the node. */
export class EvaluationFault extends TemplateFault {
  constructor(
    { at, text }: { at: number; text: string },
    readonly what: string,
  ) {
    super(at, `executing "" at <${text}>: ${what}`);
  }
}

export interface Surroundings {
  functions: ReadonlyMap<string, TemplateFunction>;
  /** How a structure's missing field is told of: `can't evaluate field X in type …` or, of documents, `map has no entry …`. */
  missingField: (name: string) => string;
  /** How the field of something that has none is told of. */
  fieldOfValue: (name: string, value: unknown) => string;
}

type Jump = 'break' | 'continue' | undefined;

/** More than any list: a template that grows without an end stops. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

export function evaluateTemplate(nodes: readonly Node[], data: unknown, surroundings: Surroundings): string {
  const evaluation = new Evaluation(surroundings, data);
  evaluation.walk(nodes, data);
  return evaluation.text;
}

class Evaluation {
  text = '';
  #variables: { name: string; value: unknown }[];

  constructor(
    private readonly surroundings: Surroundings,
    data: unknown,
  ) {
    this.#variables = [{ name: '$', value: data }];
  }

  walk(nodes: readonly Node[], dot: unknown): Jump {
    const outer = this.#variables.length;
    for (const node of nodes) {
      const jump = this.#node(node, dot);
      if (jump) return jump;
      if (node.kind !== 'action') this.#variables.length = Math.max(outer, this.#variables.length);
    }
    return undefined;
  }

  #node(node: Node, dot: unknown): Jump {
    switch (node.kind) {
      case 'text':
        this.#write(node.text);
        return undefined;
      case 'action': {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.names.length === 0)
          this.#write(isNil(value) ? '<no value>' : this.#printed(node.pipeline, value));
        return undefined;
      }
      case 'if':
      case 'with':
        return this.#scoped(() => {
          const value = this.#pipeline(node.pipeline, dot);
          const inner = node.kind === 'with' ? value : dot;
          return truth(value) ? this.walk(node.body, inner) : this.walk(node.otherwise, dot);
        });
      case 'range':
        return this.#scoped(() => this.#range(node, dot));
      default:
        return node.kind;
    }
  }

  #scoped(work: () => Jump): Jump {
    const outer = this.#variables.length;
    try {
      return work();
    } finally {
      this.#variables.length = outer;
    }
  }

  #range(node: Extract<Node, { body: Node[] }>, dot: unknown): Jump {
    const { names, assigns } = node.pipeline;
    const value = this.#pipeline({ ...node.pipeline, names: [] }, dot);
    const entries = this.#entries(node.pipeline, value);
    if (entries.length === 0) return this.walk(node.otherwise, dot);
    for (const [key, item] of entries) {
      const jump = this.#scoped(() => {
        const values = names.length === 2 ? [key, item] : [item];
        for (const [at, name] of names.entries()) this.#set(name, values[at], assigns);
        return this.walk(node.body, item);
      });
      if (jump === 'break') break;
    }
    return undefined;
  }

  #entries(pipeline: Pipeline, value: unknown): [unknown, unknown][] {
    if (isNil(value)) return [];
    if (Array.isArray(value)) return value.map((item, at) => [at, item]);
    if (isMap(value))
      return Object.keys(value)
        .sort(byCodePoint)
        .map((key) => [key, value[key]]);
    if (typeof value === 'number' && Number.isInteger(value)) {
      if (value > 1_000_000) throw new EvaluationFault(pipeline, `range over ${value} is too long`);
      return Array.from({ length: Math.max(0, value) }, (_, at) => [at, at]);
    }
    throw new EvaluationFault(pipeline, `range can't iterate over ${goText(value)}`);
  }

  #set(name: string, value: unknown, assigns: boolean): void {
    const known = assigns ? this.#variables.findLast((variable) => variable.name === name) : undefined;
    if (known) known.value = value;
    else this.#variables.push({ name, value });
  }

  #pipeline(pipeline: Pipeline, dot: unknown): unknown {
    let value: unknown;
    pipeline.commands.forEach((command, at) => {
      value = this.#command(command, dot, at === 0 ? [] : [value]);
    });
    for (const name of pipeline.names) this.#set(name, value, pipeline.assigns);
    return value;
  }

  #command({ operands, text }: Command, dot: unknown, last: readonly unknown[]): unknown {
    const [first, ...rest] = operands as [Operand, ...Operand[]];
    const args = () => [...rest.map((operand) => this.#operand(operand, dot)), ...last];
    if (first.kind === 'function') {
      if (LAZY_FUNCTIONS.has(first.name)) return this.#lazy(first, rest, dot, last);
      return this.#call(
        { at: first.at, text, name: first.name },
        this.surroundings.functions.get(first.name),
        args(),
        rest,
      );
    }
    const value = this.#operand(first, dot, true);
    if (typeof value === 'function') {
      const name = first.kind === 'chain' ? (first.names.at(-1) ?? '') : first.text;
      return this.#call({ at: first.at, text, name }, value as TemplateFunction, args(), rest);
    }
    if (rest.length + last.length > 0) {
      const name = first.kind === 'chain' ? (first.names.at(-1) ?? '') : first.text;
      if (first.kind === 'chain') {
        throw new EvaluationFault(first, `${name} is not a method but has arguments`);
      }
      throw new EvaluationFault(first, `can't give argument to non-function ${first.text}`);
    }
    return value;
  }

  /** `and` and `or` give the first argument that decides. */
  #lazy(first: Operand & { kind: 'function' }, rest: Operand[], dot: unknown, last: readonly unknown[]): unknown {
    const wanted = first.name === 'or';
    const count = rest.length + last.length;
    if (count === 0) throw new EvaluationFault(first, `wrong number of args for ${first.name}: want at least 1 got 0`);
    let value: unknown;
    for (let at = 0; at < count; at++) {
      const operand = rest[at];
      value = operand ? this.#operand(operand, dot) : last[at - rest.length];
      if (truth(value) === wanted) break;
    }
    return value;
  }

  #call(
    place: { at: number; text: string; name: string },
    called: TemplateFunction | undefined,
    args: unknown[],
    written: readonly Operand[] = [],
  ): unknown {
    const { name } = place;
    if (!called) throw new EvaluationFault(place, `"${name}" is not a defined function`);
    const isVariadic = VARIADIC.has(name);
    if (args.length < called.length || (args.length > called.length && !isVariadic)) {
      const want = `want ${isVariadic ? 'at least ' : ''}${called.length}`;
      throw new EvaluationFault(
        { at: place.at, text: name },
        `wrong number of args for ${name}: ${want} got ${args.length}`,
      );
    }
    try {
      return called(...args);
    } catch (error) {
      if (!(error instanceof CallFault)) throw error;
      const constant =
        error.expected === undefined ? undefined : written.find((operand) => operand.kind === 'constant');
      if (constant) throw new EvaluationFault(constant, `expected ${error.expected}; found ${constant.text}`);
      throw new EvaluationFault(
        place,
        error.expected === undefined ? `error calling ${name}: ${error.message}` : error.message,
      );
    }
  }

  /** `called`: a method that is met will be called with the arguments of its command; otherwise it is called here, with none. */
  #operand(operand: Operand, dot: unknown, called = false): unknown {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        throw new EvaluationFault(operand, 'nil is not a command');
      case 'constant':
        return operand.value;
      case 'variable':
        return this.#variables.findLast(({ name }) => name === operand.name)?.value;
      case 'function':
        return this.#command({ ...operand, operands: [operand] }, dot, []);
      case 'pipeline':
        return this.#pipeline(operand.pipeline, dot);
      case 'chain': {
        const base = this.#operand(operand.base, dot);
        const last = operand.names.length - 1;
        return operand.names.reduce((value, name, at) => {
          const field = this.#field(operand, value, name);
          const isCallable = typeof field === 'function' && !(called && at === last);
          return isCallable ? this.#call({ ...operand, name }, field as TemplateFunction, []) : field;
        }, base);
      }
    }
  }

  #field(node: Operand, value: unknown, name: string): unknown {
    if (isMap(value)) return value[name];
    if (isStructure(value)) {
      if (Object.hasOwn(value, name)) return value[name];
      throw new EvaluationFault(node, this.surroundings.missingField(name));
    }
    if (isNil(value)) throw new EvaluationFault(node, `nil data; no entry for key "${name}"`);
    throw new EvaluationFault(node, this.surroundings.fieldOfValue(name, value));
  }

  #printed(pipeline: Pipeline, value: unknown): string {
    if (typeof value === 'function') throw new EvaluationFault(pipeline, "can't print a function");
    return goText(value);
  }

  #write(text: string): void {
    this.text += text;
    if (this.text.length > MOST_CHARACTERS) throw new TemplateFault(0, 'it writes more than 64 MiB');
  }
}

const VARIADIC = new Set(['index', 'slice', 'print', 'println', 'printf', 'html', 'js', 'urlquery', 'eq']);

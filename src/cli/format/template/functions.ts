/** The functions that a template may call: Go's own and docker's (docker/cli templates/templates.go). Pure. */
import { sprintf } from './printf.js';
import { goJson, goPrint, goText, isMap, isNil, isStructure, truth, typeName } from './values.js';

/** What a function refuses; the evaluator says where. */
export class CallFault extends Error {
  constructor(
    message: string,
    /** The type that an argument should have had. */
    readonly expected?: string,
  ) {
    super(message);
  }
}

export type TemplateFunction = (...values: unknown[]) => unknown;

/** These see their arguments one after the other, and not those that no longer count. */
export const LAZY_FUNCTIONS = new Set(['and', 'or']);

export const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries({
    and: () => undefined,
    or: () => undefined,
    not: (value: unknown) => !truth(value),
    len,
    index,
    slice,
    print: (...values: unknown[]) => goPrint(values),
    println: (...values: unknown[]) => `${values.map(goText).join(' ')}\n`,
    printf: (format: unknown, ...values: unknown[]) => sprintf(textOf(format), values),
    html: (...values: unknown[]) => goPrint(values).replace(/[&<>"']/g, (sign) => HTML[sign] ?? sign),
    js: (...values: unknown[]) => goPrint(values).replace(/[\\'"<>&=\p{Cc}]/gu, escapedForJs),
    urlquery: (...values: unknown[]) => encodeURIComponent(goPrint(values)).replaceAll('%20', '+'),
    eq: (value: unknown, ...others: unknown[]) => {
      if (others.length === 0) throw new CallFault('missing argument for comparison');
      return others.some((other) => equal(value, other));
    },
    ne: (left: unknown, right: unknown) => !equal(left, right),
    lt: (left: unknown, right: unknown) => order(left, right) < 0,
    le: (left: unknown, right: unknown) => order(left, right) <= 0,
    gt: (left: unknown, right: unknown) => order(left, right) > 0,
    ge: (left: unknown, right: unknown) => order(left, right) >= 0,
    json: (value: unknown) => goJson(value),
    split: (text: unknown, by: unknown) => textOf(text).split(textOf(by)),
    join: (list: unknown, by: unknown) => (isNil(list) ? [] : listOf(list)).map(goText).join(textOf(by)),
    title: (text: unknown) => textOf(text).replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, (sign) => sign.toUpperCase()),
    lower: (text: unknown) => textOf(text).toLowerCase(),
    upper: (text: unknown) => textOf(text).toUpperCase(),
    pad: (text: unknown, before: unknown, after: unknown) =>
      textOf(text) === '' ? '' : ' '.repeat(countOf(before)) + textOf(text) + ' '.repeat(countOf(after)),
    truncate: (text: unknown, length: unknown) => [...textOf(text)].slice(0, countOf(length)).join(''),
  } satisfies Record<string, TemplateFunction>),
);

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };

function escapedForJs(sign: string): string {
  if ('\\\'"'.includes(sign)) return `\\${sign}`;
  return `\\u${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The same names where a table's header is made: what they would do to a value they do not do to its name. */
export const HEADER_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([
  ...FUNCTIONS,
  ...['json', 'split', 'join', 'title', 'lower', 'upper', 'pad', 'truncate'].map(
    (name) => [name, (value: unknown) => value] as const,
  ),
]);

function len(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  throw new CallFault(isNil(value) ? 'len of nil pointer' : `len of type ${typeName(value)}`);
}

function index(value: unknown, ...keys: unknown[]): unknown {
  let item = value;
  for (const key of keys) {
    if (isNil(item)) throw new CallFault('index of untyped nil');
    if (isMap(item) || isStructure(item)) {
      if (typeof key !== 'string') throw new CallFault(`value has type ${typeName(key)}; should be string`);
      item = Object.hasOwn(item, key) ? item[key] : zeroOf(item);
    } else if (Array.isArray(item) || typeof item === 'string') {
      const at = indexOf(key);
      const bytes: ArrayLike<unknown> = typeof item === 'string' ? Buffer.from(item) : item;
      if (at < 0 || at >= bytes.length) throw new CallFault(`index out of range: ${at}`);
      item = bytes[at];
    } else throw new CallFault(`can't index item of type ${typeName(item)}`);
  }
  return item;
}

/** What Go has for a key that is not there, which depends on the type of the others. */
function zeroOf(map: Record<string, unknown>): unknown {
  const values = Object.values(map);
  return values.every((value) => typeof value === 'string') ? '' : undefined;
}

function slice(value: unknown, ...bounds: unknown[]): unknown {
  if (isNil(value)) throw new CallFault('slice of untyped nil');
  if (typeof value !== 'string' && !Array.isArray(value)) {
    throw new CallFault(`can't slice item of type ${typeName(value)}`);
  }
  const whole = typeof value === 'string' ? Buffer.from(value) : value;
  const [from = 0, to = whole.length] = bounds.map(indexOf);
  const outside = [from, to].find((at) => at < 0 || at > whole.length);
  if (outside !== undefined) throw new CallFault(`index out of range: ${outside}`);
  if (from > to) throw new CallFault(`invalid slice index: ${from} > ${to}`);
  return typeof value === 'string' ? Buffer.from(value).subarray(from, to).toString() : value.slice(from, to);
}

function indexOf(key: unknown): number {
  if (isNil(key)) throw new CallFault('cannot index slice/array with nil');
  if (typeof key !== 'number' || !Number.isInteger(key)) {
    throw new CallFault(`cannot index slice/array with type ${typeName(key)}`);
  }
  return key;
}

/** Numbers count as one kind, as whole numbers of different widths do in Go. */
function kindOf(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  return isNil(value) ? 'nil' : typeof value;
}

function equal(left: unknown, right: unknown): boolean {
  const kinds = [kindOf(left), kindOf(right)];
  if (kinds.includes('object') || kinds.includes('function')) {
    if (kinds.includes('nil')) return false;
    throw new CallFault('non-comparable type');
  }
  if (kinds.includes('nil')) return kinds[0] === kinds[1];
  if (kinds[0] !== kinds[1]) throw new CallFault('incompatible types for comparison');
  // biome-ignore lint/suspicious/noDoubleEquals: 1n is 1
  return left == right;
}

function order(left: unknown, right: unknown): number {
  const kind = kindOf(left);
  if (kind !== 'number' && kind !== 'string') throw new CallFault('invalid type for comparison');
  if (kind !== kindOf(right)) throw new CallFault('incompatible types for comparison');
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(String(right)));
  return (left as number) < (right as number) ? -1 : (left as number) > (right as number) ? 1 : 0;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw wrongType(value, 'string');
}

function countOf(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value)) return Math.max(0, Math.min(value, 10_000));
  throw wrongType(value, 'int');
}

function wrongType(value: unknown, expected: string): CallFault {
  const message = isNil(value)
    ? `invalid value; expected ${expected}`
    : `wrong type for value; expected ${expected}; got ${typeName(value)}`;
  return new CallFault(message, expected);
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (isStructure(value) || isMap(value)) return Object.values(value);
  throw new CallFault(`expected a list of strings; got ${typeName(value)}`);
}

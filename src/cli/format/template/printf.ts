/** fmt.Sprintf, as far as templates need it. Pure. */
import { shortest } from '../human.js';
import { goJson, goText, isNil, typeName } from './values.js';

const VERB = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?([a-zA-Z%])/g;

interface Shape {
  flags: string;
  width: number;
  precision: number | undefined;
}

export function sprintf(format: string, values: readonly unknown[]): string {
  let next = 0;
  const take = () => values[next++];
  const text = format.replace(VERB, (_, flags: string, width?: string, precision?: string, verb = '') => {
    if (verb === '%') return '%';
    const shape: Shape = {
      flags,
      width: width === '*' ? Number(take()) : Number(width ?? 0),
      precision: precision === undefined ? undefined : precision === '*' ? Number(take()) : Number(precision),
    };
    if (next >= values.length) return `%!${verb}(MISSING)`;
    const value = take();
    const body = formatted(value, verb, shape);
    return body === undefined ? mismatch(verb, value) : padded(body, shape, typeof value !== 'string');
  });
  const extra = values.slice(next);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.map(described).join(', ')})`;
}

/** Undefined: the verb is not one for this value. */
function formatted(value: unknown, verb: string, shape: Shape): string | undefined {
  switch (verb) {
    case 'v':
      return typeof value === 'string' ? cut(value, shape) : signed(goText(value), value, shape);
    case 's':
      if (typeof value === 'string') return cut(value, shape);
      return typeof value === 'object' && !isNil(value) ? goText(value) : undefined;
    case 'q':
      return typeof value === 'string' ? goJson(value) : undefined;
    case 'T':
      return typeName(value);
    case 't':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'x':
    case 'X':
      return hexadecimal(value, verb);
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  return numeric(value, verb, shape);
}

function numeric(value: number | bigint, verb: string, shape: Shape): string | undefined {
  const isWhole = typeof value === 'bigint' || Number.isInteger(value);
  switch (verb) {
    case 'd':
      return isWhole ? signed(BigInt(value).toString(), value, shape) : undefined;
    case 'o':
      return isWhole ? value.toString(8) : undefined;
    case 'b':
      return isWhole ? value.toString(2) : undefined;
    case 'c':
      return isWhole ? String.fromCodePoint(Number(value)) : undefined;
    case 'f':
      return signed(Number(value).toFixed(shape.precision ?? 6), value, shape);
    case 'e':
      return Number(value)
        .toExponential(shape.precision ?? 6)
        .replace(/e([+-])(\d)$/, 'e$10$2');
    case 'g':
      return shape.precision === undefined ? goText(Number(value)) : shortest(Number(value), shape.precision || 1);
    default:
      return undefined;
  }
}

function hexadecimal(value: unknown, verb: string): string | undefined {
  const text =
    typeof value === 'string'
      ? Buffer.from(value).toString('hex')
      : typeof value === 'bigint' || Number.isInteger(value)
        ? (value as number | bigint).toString(16)
        : undefined;
  return verb === 'X' ? text?.toUpperCase() : text;
}

function signed(text: string, value: unknown, { flags }: Shape): string {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  if (!isNumber || value < 0) return text;
  return flags.includes('+') ? `+${text}` : flags.includes(' ') ? ` ${text}` : text;
}

function cut(text: string, { precision }: Shape): string {
  return precision === undefined ? text : [...text].slice(0, precision).join('');
}

function padded(text: string, { flags, width }: Shape, zerosAllowed: boolean): string {
  const missing = Math.min(width, 10_000) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0') || !zerosAllowed) return ' '.repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function mismatch(verb: string, value: unknown): string {
  return isNil(value) ? `%!${verb}(<nil>)` : `%!${verb}(${described(value)})`;
}

function described(value: unknown): string {
  return isNil(value) ? '<nil>' : `${typeName(value)}=${goText(value)}`;
}

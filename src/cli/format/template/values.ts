/**
 * What a template works on. Go's types are told apart by how JavaScript has them: a map is an object without a prototype
 * (`asMap`), a structure is any other object, a method is a function, nil is undefined or null. Pure.
 */
import { asMap, byCodePoint } from '../../../base/go-map.js';

export function isMap(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.getPrototypeOf(value) === null;
}

export function isStructure(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.getPrototypeOf(value) !== null;
}

export function isNil(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `if` takes it. */
export function truth(value: unknown): boolean {
  if (isNil(value)) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return typeof value === 'object' || typeof value === 'function' || Boolean(value);
}

/** The type's name in Go's messages, as far as it can be known. */
export function typeName(value: unknown): string {
  if (isNil(value)) return 'interface {}';
  if (Array.isArray(value)) return value.every((each) => typeof each === 'string') ? '[]string' : '[]interface {}';
  if (isMap(value)) {
    return Object.values(value).every((each) => typeof each === 'string')
      ? 'map[string]string'
      : 'map[string]interface {}';
  }
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'struct';
}

/** fmt's %v. */
export function goText(value: unknown): string {
  if (isNil(value)) return '<nil>';
  if (typeof value === 'number') return numberText(value);
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (isMap(value)) {
    const keys = Object.keys(value).sort(byCodePoint);
    return `map[${keys.map((key) => `${key}:${goText(value[key])}`).join(' ')}]`;
  }
  if (isStructure(value)) return `{${fieldsOf(value).map(goText).join(' ')}}`;
  return String(value);
}

function fieldsOf(structure: Record<string, unknown>): unknown[] {
  return Object.values(structure).filter((value) => typeof value !== 'function');
}

/** %v of an integer, and of a float64 that is none: the shortest %g, with an exponent from 1e+21 on. */
function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value);
  const magnitude = Math.abs(value);
  const text = magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e21) ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** What Go's print puts between two operands: a space where neither is a string. */
export function goPrint(values: readonly unknown[]): string {
  return values
    .map((value, index) => {
      const spaced = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string';
      return `${spaced ? ' ' : ''}${goText(value)}`;
    })
    .join('');
}

/** docker's `json`: Go's encoder, which sorts the keys of maps, without its escapes for HTML. */
export function goJson(value: unknown, indent?: string): string {
  const text = JSON.stringify(
    value ?? null,
    (_, inner: unknown) => {
      if (typeof inner === 'bigint') return Number(inner);
      return isMap(inner) ? asMap(inner) : inner;
    },
    indent,
  );
  return text.replace(/[\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`);
}

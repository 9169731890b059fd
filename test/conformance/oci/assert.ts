/** Assertions whose messages say what was seen. */
import { isDeepStrictEqual } from 'node:util';

export function fail(why: string): never {
  throw new Error(why);
}

export function see(what: string, seen: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(seen, expected)) fail(`${what}: ${short(seen)} instead of ${short(expected)}`);
}

export function match(what: string, seen: string, expected: RegExp): void {
  if (!expected.test(seen)) fail(`${what}: ${short(seen)} does not match ${expected}`);
}

export function hold(what: string, holds: boolean): void {
  if (!holds) fail(`it does not hold that ${what}`);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

/** JSON text → a checked configuration. Pure. */
import * as v from 'valibot';
import { VlabError } from '../../base/errors.js';
import {
  CONFIG,
  type OciConfig,
  type OciProcess,
  type OciResources,
  type OciSeccomp,
  PROCESS,
  RESOURCES,
  SECCOMP,
} from './schema.js';

/** `name`: what the text is, for the message: `config.json`. Errors: `input`, with the JSON path of the fault. */
export function parseConfig(text: string, name = 'config.json'): OciConfig {
  return checked(CONFIG, parseJson(text, name), name);
}

/** A process as `exec --process` gets it. */
export function parseProcess(text: string, name: string): OciProcess {
  return checked(PROCESS, parseJson(text, name), name);
}

/** A profile by itself: linux.seccomp. */
export function parseSeccomp(text: string, name: string): OciSeccomp {
  return checked(SECCOMP, parseJson(text, name), name);
}

/** Resources as `update --resources` gets them. */
export function parseResources(text: string, name: string): OciResources {
  return checked(RESOURCES, parseJson(text, name), name);
}

function parseJson(text: string, name: string): unknown {
  const { marked, mark } = markLarge(text);
  try {
    // Most texts have nothing to change, and each value would be looked at.
    if (mark === undefined && !/[[:,\s]null\b/.test(text)) return JSON.parse(marked);
    // The field's tools are written in Go, where null is the same as absent.
    return JSON.parse(marked, function revive(this: unknown, key, value: unknown) {
      if (value === null) return Array.isArray(this) ? value : undefined;
      if (mark === undefined || typeof value !== 'string' || !value.startsWith(mark)) return value;
      const digits = value.slice(mark.length);
      return EXACT_KEYS.has(key) ? BigInt(digits) : Number(digits);
    });
  } catch (cause) {
    throw new VlabError('input', `${name} is no JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Properties whose values use all 64 bits: arguments of system calls, and limits (18446744073709551615 is none). */
const EXACT_KEYS = new Set(['value', 'valueTwo', 'soft', 'hard']);

/** JSON.parse would round integers of more than 53 bits; they become strings with a mark that no other string begins with. */
function markLarge(text: string): { marked: string; mark?: string } {
  if (!/\d{16}/.test(text)) return { marked: text };
  let mark = '#';
  while (text.includes(`"${mark}`)) mark += '#';
  const large = /"(?:[^"\\]|\\.)*"|(?<![\w.+-])-?\d{16,}(?![\d.eE])/g;
  return { marked: text.replace(large, (found) => (found.startsWith('"') ? found : `"${mark}${found}"`)), mark };
}

function checked<T extends v.GenericSchema>(schema: T, value: unknown, name: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = jsonPath(issue.path?.map(({ key }) => key as string | number) ?? []);
  throw configError(path, `${/^(is|holds) /.test(issue.message) ? '' : 'is wrong: '}${issue.message}`, { name });
}

/** `process.args[0]`; the specification's own way to write one. */
export function jsonPath(keys: readonly (string | number)[]): string {
  return keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '');
}

/** A fault of the configuration: `input` where it is wrong anywhere, `host` where this kernel lacks what it asks for. */
export function configError(
  path: string,
  what: string,
  options: { blame?: 'input' | 'host'; hint?: string; name?: string; cause?: unknown } = {},
): VlabError {
  const { blame = 'input', hint, name = 'config.json', cause } = options;
  return new VlabError(blame, `${name}: ${path || 'the document'} ${what}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

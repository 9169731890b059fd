/** What a registry says when it refuses (distribution-spec, "Error Codes"). */
import { VlabError, type VlabErrorOptions } from '../../base/errors.js';
import { type Response, readAtMost } from './response.js';

/** A refusal: `code` is the first of the specification's codes (`MANIFEST_UNKNOWN`) that the answer has, if it has one. */
export class RegistryError extends VlabError {
  override readonly name = 'RegistryError';

  constructor(
    readonly status: number,
    readonly code: string | undefined,
    message: string,
    options: VlabErrorOptions = {},
  ) {
    // 4xx: what was asked for is wrong, not there or not allowed; to be too early is nobody's mistake
    super(status >= 400 && status < 500 && status !== 429 && status !== 408 ? 'input' : 'operation', message, options);
  }
}

const MOST_ERROR_BYTES = 64 * 1024;
const LONGEST_SAID = 300;

/** The error for an answer that was not expected; reads its body, but not much of it. */
export async function registryError(method: string, url: string, response: Response): Promise<RegistryError> {
  const text = await readAtMost(response, MOST_ERROR_BYTES).then(
    (bytes) => Buffer.from(bytes).toString('utf8'),
    () => '',
  );
  const errors = errorsIn(text);
  const said = errors.map(({ code, message }) => [code, message].filter(Boolean).join(': ')).join('; ');
  const message = `${method} ${shownUrl(url)} was answered with ${response.status}${said && `: ${printable(said)}`}`;
  const hint = HINTS[response.status];
  return new RegistryError(response.status, errors[0]?.code, message, hint === undefined ? {} : { hint });
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'log in to this registry, or check the name: registries answer so for what is not there, too',
  403: 'these credentials do not allow it',
  404: 'check the name, and the tag or digest',
  429: 'the registry asks for patience: try later, or log in if it counts those without a name',
};

function errorsIn(text: string): { code: string; message: string }[] {
  try {
    const errors = (JSON.parse(text) as { errors?: unknown }).errors;
    if (!Array.isArray(errors)) return [];
    return errors.slice(0, 10).map((error: { code?: unknown; message?: unknown } | null) => ({
      code: typeof error?.code === 'string' ? error.code : '',
      message: typeof error?.message === 'string' ? error.message : '',
    }));
  } catch {
    return [];
  }
}

/** Without query, name and password: signed addresses carry secrets in them. */
export function shownUrl(url: string | URL): string {
  const { origin, protocol, pathname, host } = new URL(url);
  return printable(origin === 'null' ? `${protocol}//${host}${pathname}` : `${origin}${pathname}`);
}

/** A server's words in a terminal: no control characters, and not without end. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
  return plain.length > LONGEST_SAID ? `${plain.slice(0, LONGEST_SAID)}...` : plain;
}

/** Sends requests: the one place of the registry client that opens connections. */
import { rootCertificates } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch } from 'undici';
import { errnoOf, messageOf, VlabError } from '../../base/errors.js';
import { type Endpoint, isLoopback } from './endpoint.js';
import { shownUrl } from './registry-error.js';
import type { RegistryRequest } from './requests.js';
import { discard, type Response } from './response.js';

export interface TransportOptions {
  /** To one host at a time. */
  connections?: number;
  /** Without one byte, for the head of an answer as for its body. */
  silenceMs?: number;
  connectMs?: number;
}

const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The connection broke, or none came about: worth another try. Its cause is Node's error. */
export class ConnectionError extends VlabError {
  override readonly name = 'ConnectionError';
}

/** Connections to one registry and to where it redirects; they are kept until it is disposed. */
export class Transport implements AsyncDisposable {
  readonly #endpoint: Endpoint;
  /** For the registry itself, with what was said of its certificates, and for all others. */
  readonly #own: Dispatcher;
  readonly #others: Dispatcher;

  constructor(endpoint: Endpoint, options: TransportOptions = {}) {
    const silenceMs = options.silenceMs ?? 60_000;
    const common = { connections: options.connections ?? 8, headersTimeout: silenceMs, bodyTimeout: silenceMs };
    const timeout = options.connectMs ?? 15_000;
    const ca = endpoint.ca === undefined ? {} : { ca: [...rootCertificates, endpoint.ca] };
    this.#endpoint = endpoint;
    const ownTls = { timeout, ...ca, rejectUnauthorized: !endpoint.isInsecure };
    // nothing that stays on this machine goes through a proxy, which is Go's rule and so docker's
    const isDirect = isLoopback(new URL(endpoint.origin)) || !hasProxy(process.env);
    this.#own = isDirect ? new Agent({ ...common, connect: ownTls }) : throughProxy(common, ownTls);
    this.#others = isDirect
      ? new Agent({ ...common, connect: { timeout, ...ca } })
      : throughProxy(common, { timeout, ...ca });
  }

  /**
   * The answer to `request`, whatever its status; its body is yet to be read or discarded. Follows redirects of GET and HEAD.
   * `authorization` goes to the origin of the request only. Errors: `signal`'s reason; ConnectionError; (`operation`) a
   * redirect that is not followed.
   */
  async send(
    request: RegistryRequest,
    options: { authorization?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Response> {
    const first = new URL(request.url);
    let url = first;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const isOwn = url.origin === first.origin;
      const authorization =
        isOwn && options.authorization !== undefined ? { authorization: options.authorization } : {};
      const response = await this.#sendOnce(url, request, { ...request.headers, ...authorization }, options.signal);
      if (!REDIRECTS.has(response.status) || !['GET', 'HEAD'].includes(request.method)) return response;
      await discard(response);
      url = redirectTarget(url, response.headers.get('location'));
    }
    throw new VlabError('operation', `${shownUrl(first)} redirects more than ${MOST_REDIRECTS} times`);
  }

  async #sendOnce(
    url: URL,
    request: RegistryRequest,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const dispatcher: Dispatcher = url.origin === this.#endpoint.origin ? this.#own : this.#others;
    const body = request.body === undefined ? {} : { body: request.body };
    try {
      return await fetch(url, {
        method: request.method,
        headers: { 'user-agent': 'vlab', ...headers },
        redirect: 'manual',
        dispatcher,
        ...body,
        ...(signal && { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionError(`${request.method} ${shownUrl(url)}`, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#own.destroy(), this.#others.destroy()]);
  }
}

/** By HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in capitals or not. */
function throughProxy(common: Agent.Options, requestTls: { timeout: number; ca?: string[] }): Dispatcher {
  return new EnvHttpProxyAgent({ ...common, connect: requestTls, requestTls });
}

function hasProxy(env: NodeJS.ProcessEnv): boolean {
  return ['HTTP_PROXY', 'HTTPS_PROXY'].some((name) => env[name] || env[name.toLowerCase()]);
}

/** fetch says only "fetch failed"; what failed is in the cause. What no time mends is no ConnectionError. */
export function connectionError(what: string, error: unknown): VlabError {
  const cause = (error as { cause?: unknown }).cause ?? error;
  const causes = cause instanceof AggregateError ? cause.errors : [cause];
  const message = `${what} failed: ${causes.map(messageOf).join(', ')}`;
  const code = errnoOf(causes[0]) ?? '';
  if (UNTRUSTED.test(code)) {
    return new VlabError('host', message, {
      cause: error,
      hint: "name the directory of its authority's certificate (--cert-dir), or put it into /etc/containers/certs.d/HOST/",
    });
  }
  if (code === 'ENOTFOUND')
    return new VlabError('operation', message, { cause: error, hint: 'check the name of the host' });
  return new ConnectionError('operation', message, { cause: error });
}

/** Node's names for what OpenSSL says of a certificate. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

/**
 * Where a redirect leads. Error (`operation`): nowhere, to another scheme than http and https (a registry could have local files
 * read), from https to http, or to an address with a name and password in it.
 */
export function redirectTarget(from: URL, location: string | null): URL {
  const target = location !== null && URL.canParse(location, from) ? new URL(location, from) : undefined;
  const refuse = (why: string) => new VlabError('operation', `${shownUrl(from)} redirects ${why}: not followed`);
  if (!target) throw refuse('to no address');
  if (target.protocol !== 'https:' && target.protocol !== 'http:') throw refuse(`to the scheme ${target.protocol}`);
  if (from.protocol === 'https:' && target.protocol === 'http:')
    throw refuse(`from https to http (${shownUrl(target)})`);
  if (target.username || target.password) throw refuse('to an address with a password in it');
  return target;
}

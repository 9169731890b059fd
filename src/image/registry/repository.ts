/** A repository of a registry that can be asked: connections, credentials and patience in one value. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Authenticator } from './authenticator.js';
import { type FindCredentials, noCredentials } from './credentials.js';
import type { Endpoint } from './endpoint.js';
import { RegistryError, registryError } from './registry-error.js';
import type { Place, RegistryRequest } from './requests.js';
import { discard, type Response } from './response.js';
import { DEFAULT_RETRY, isWorthAskingAgain, type RetryRule, waitMs } from './retry.js';
import { ConnectionError, Transport, type TransportOptions } from './transport.js';

export interface RepositoryOptions extends TransportOptions {
  find?: FindCredentials;
  retry?: RetryRule;
}

export interface AskOptions {
  signal?: AbortSignal | undefined;
  /** What a token must allow (token.md, "Resource Scope"); reading this repository if not said. */
  scopes?: readonly string[];
  /** For what must not be sent twice, as a chunk: once. */
  isOnce?: boolean;
}

export class Repository implements Place, AsyncDisposable {
  readonly origin: string;
  readonly retry: RetryRule;
  readonly #transport: Transport;
  readonly #authenticator: Authenticator;

  constructor(
    readonly endpoint: Endpoint,
    readonly repository: string,
    options: RepositoryOptions = {},
  ) {
    this.origin = endpoint.origin;
    this.retry = options.retry ?? DEFAULT_RETRY;
    this.#transport = new Transport(endpoint, options);
    this.#authenticator = new Authenticator(endpoint, repository, this.#transport, options.find ?? noCredentials);
  }

  scope(actions: string): string {
    return `repository:${this.repository}:${actions}`;
  }

  /**
   * The answer to `request` with one of the statuses that it expects; its body is yet to be read or discarded. Asks again, after a
   * wait, when the connection broke or the server says it is a matter of time. Errors: RegistryError, those of the transport
   * and of the authenticator, `signal`'s reason.
   */
  async ask(request: RegistryRequest, options: AskOptions = {}): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const isLast = options.isOnce || attempt >= this.retry.attempts;
      const answer = await this.#askOnce(request, options).catch((error: unknown) => {
        if (isLast || !isPassing(error)) throw error;
        return undefined;
      });
      if (answer && request.expected.includes(answer.status)) return answer;
      if (answer && (isLast || !isWorthAskingAgain(answer.status))) {
        throw await registryError(request.method, request.url, answer);
      }
      if (answer) await discard(answer);
      await this.pause(attempt, options.signal, answer?.headers.get('retry-after'));
    }
  }

  /** Waits as long as is fit after that many failures. */
  async pause(failures: number, signal?: AbortSignal, retryAfter: string | null = null): Promise<void> {
    try {
      await sleep(waitMs(this.retry, failures, retryAfter), undefined, signal && { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** With what is known to be wanted; once more when the registry says what that is. */
  async #askOnce(request: RegistryRequest, { signal, scopes = [this.scope('pull')] }: AskOptions): Promise<Response> {
    // uploads may go to another host, whom the registry's credentials are nothing to
    const isOwn = new URL(request.url).origin === this.origin;
    const authorization = isOwn ? this.#authenticator.known(scopes) : undefined;
    const answer = await this.#transport.send(request, { authorization, signal });
    const challenge = answer.headers.get('www-authenticate');
    // a redirect may have led elsewhere: another host's challenge is not answered
    if (answer.status !== 401 || challenge === null || !isOwn || new URL(answer.url).origin !== this.origin)
      return answer;
    const other = await this.#authenticator.answer(challenge, scopes, authorization, signal);
    if (other === undefined || other === authorization) return answer;
    await discard(answer);
    return await this.#transport.send(request, { authorization: other, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }
}

/** Whether time may mend it. */
export function isPassing(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof RegistryError && isWorthAskingAgain(error.status));
}

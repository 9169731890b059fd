/**
 * What is shown to a registry: nothing until it asks, then a name and password (RFC 7617), or a token that is got from where it
 * says (distribution's docs/spec/auth/token.md and oauth.md) and kept for as long as it holds.
 */
import * as v from 'valibot';
import { VlabError } from '../../base/errors.js';
import type { Credentials } from './auth-file.js';
import { type Challenge, parseChallenges } from './challenge.js';
import type { FindCredentials } from './credentials.js';
import { type Endpoint, maySendSecrets } from './endpoint.js';
import { registryError, shownUrl } from './registry-error.js';
import type { RegistryRequest } from './requests.js';
import { readAtMost } from './response.js';
import { redirectTarget, type Transport } from './transport.js';

interface Kept {
  header: string;
  /** By Date.now(). */
  untilMs: number;
}

/** token.md: a token that does not say how long it holds does so for a minute. */
const DEFAULT_LIFE_S = 60;
/** A token that ends while a request is on its way is of no use. */
const MARGIN_MS = 5_000;
const MOST_TOKEN_BYTES = 1024 * 1024;

const Answer = v.object({
  token: v.optional(v.string()),
  access_token: v.optional(v.string()),
  expires_in: v.optional(v.number()),
  refresh_token: v.optional(v.string()),
});

/** For one repository of one registry. */
export class Authenticator {
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, { answer: Promise<Kept | undefined>; signal: AbortSignal | undefined }>();
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(
    readonly endpoint: Endpoint,
    readonly repository: string,
    readonly transport: Transport,
    readonly find: FindCredentials,
  ) {}

  /** The Authorization to send for `scopes`, as far as it is known before the registry was asked. */
  known(scopes: readonly string[]): string | undefined {
    const kept = this.#kept.get(keyOf(scopes));
    return kept && kept.untilMs > Date.now() ? kept.header : undefined;
  }

  /**
   * The Authorization that answers `challenge` (WWW-Authenticate), or undefined when there is nothing to show. Those who ask for
   * the same at once share one answer. `refused` is what the registry did not take. Errors: those of the token's server and of
   * the credentials; (`host`) secrets would go over plain http.
   */
  async answer(
    challenge: string,
    scopes: readonly string[],
    refused: string | undefined,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const key = keyOf(scopes);
    const known = this.known(scopes);
    if (known !== undefined && known !== refused) return known;
    for (let others = this.#asking.get(key); others; others = this.#asking.get(key)) {
      try {
        return (await others.answer)?.header;
      } catch (error) {
        signal?.throwIfAborted();
        // who asked was told to stop: that is no answer for anybody else
        if (!others.signal?.aborted) throw error;
      }
    }
    const answer = this.#ask(parseChallenges(challenge), scopes, signal).finally(() => this.#asking.delete(key));
    this.#asking.set(key, { answer, signal });
    const kept = await answer;
    if (kept) this.#kept.set(key, kept);
    return kept?.header;
  }

  async #ask(challenges: Challenge[], scopes: readonly string[], signal?: AbortSignal): Promise<Kept | undefined> {
    this.#credentials ??= this.find(this.endpoint.host, this.repository, signal);
    const credentials = await this.#credentials.catch((error: unknown) => {
      this.#credentials = undefined;
      throw error;
    });
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer && credentials?.kind === 'registry') {
      this.#mustBeSecret(new URL(this.endpoint.origin));
      return { header: `Bearer ${credentials.token}`, untilMs: Number.POSITIVE_INFINITY };
    }
    if (bearer) return await this.#token(bearer, scopes, credentials, signal);
    if (!challenges.some(({ scheme }) => scheme === 'basic') || credentials?.kind !== 'password') return undefined;
    this.#mustBeSecret(new URL(this.endpoint.origin));
    return { header: basic(credentials), untilMs: Number.POSITIVE_INFINITY };
  }

  async #token(
    challenge: Challenge,
    scopes: readonly string[],
    credentials: Credentials | undefined,
    signal?: AbortSignal,
  ): Promise<Kept> {
    // the rules for redirects hold for where a registry sends its clients for tokens, too
    const realm = redirectTarget(new URL(this.endpoint.origin), challenge.parameters.get('realm') ?? null);
    if (credentials) this.#mustBeSecret(realm);
    const asked = (challenge.parameters.get('scope') ?? '').split(' ').filter(Boolean);
    const all = [...new Set([...scopes, ...asked])];
    const service = challenge.parameters.get('service');
    const request = tokenRequest(realm, service, all, credentials);
    const authorization = credentials?.kind === 'password' ? basic(credentials) : undefined;
    const response = await this.transport.send(request, { authorization, signal });
    if (!request.expected.includes(response.status)) throw await registryError(request.method, realm.href, response);
    const answer = readAnswer(await readAtMost(response, MOST_TOKEN_BYTES));
    const token = answer?.token || answer?.access_token;
    if (!answer || !token || !/^[\x21-\x7e]+$/.test(token)) {
      throw new VlabError('operation', `${shownUrl(realm)} answers with something else than a token`);
    }
    if (answer.refresh_token && credentials?.kind === 'identity') {
      this.#credentials = Promise.resolve({ kind: 'identity', token: answer.refresh_token });
    }
    const lifeMs = Math.max(0, (answer.expires_in ?? DEFAULT_LIFE_S) * 1000 - MARGIN_MS);
    return { header: `Bearer ${token}`, untilMs: Date.now() + lifeMs };
  }

  #mustBeSecret(url: URL): void {
    if (maySendSecrets(this.endpoint, url)) return;
    throw new VlabError(
      'host',
      `the credentials for ${this.endpoint.host} are not sent over plain http to ${url.host}`,
      {
        hint: 'use a registry with TLS, or name it as an insecure one if nobody else can listen on the way to it',
      },
    );
  }
}

/** GET with the scopes in the query (token.md); POST with a form where an identity token buys the token (oauth.md). */
export function tokenRequest(
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): RegistryRequest {
  if (credentials?.kind === 'identity') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'vlab',
      scope: scopes.join(' '),
      refresh_token: credentials.token,
    });
    if (service !== undefined) form.set('service', service);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url: realm.href, headers, body: Buffer.from(form.toString()), expected: [200] };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials?.kind === 'password') url.searchParams.set('account', credentials.username);
  return { method: 'GET', url: url.href, headers: {}, expected: [200] };
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function keyOf(scopes: readonly string[]): string {
  return [...scopes].sort().join(' ');
}

function readAnswer(bytes: Uint8Array): v.InferOutput<typeof Answer> | undefined {
  try {
    return v.parse(Answer, JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return undefined;
  }
}

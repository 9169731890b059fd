/**
 * The files in which people keep what they are known by to registries: `~/.docker/config.json` and auth.json
 * (containers-auth.json(5)). Both have the same shape.
 */
import * as v from 'valibot';
import { VlabError } from '../../base/errors.js';

/** A name and its password, a token that buys tokens (OAuth2 refresh), or a token that is shown as it is. */
export type Credentials =
  | { kind: 'password'; username: string; password: string }
  | { kind: 'identity'; token: string }
  | { kind: 'registry'; token: string };

/** Where credentials are: here, or with the program `docker-credential-NAME`, which is asked for `server`. */
export type Lookup = { kind: 'known'; credentials: Credentials } | { kind: 'helper'; name: string; server: string };

const Entry = v.object({
  auth: v.optional(v.string()),
  username: v.optional(v.string()),
  password: v.optional(v.string()),
  identitytoken: v.optional(v.string()),
  registrytoken: v.optional(v.string()),
});
const AuthFile = v.object({
  auths: v.optional(v.record(v.string(), v.nullable(Entry)), {}),
  credHelpers: v.optional(v.record(v.string(), v.string()), {}),
  credsStore: v.optional(v.string(), ''),
});
export type AuthFile = v.InferOutput<typeof AuthFile>;

/** Error (`input`): `text`, which was read from `path`, is no such file. The message quotes nothing of it. */
export function parseAuthFile(text: string, path: string): AuthFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new VlabError('input', `${path} is not JSON`, {
      hint: 'log in again with the tool that wrote it, or remove it',
    });
  }
  const parsed = v.safeParse(AuthFile, json);
  if (parsed.success) return parsed.output;
  const where = v.getDotPath(parsed.issues[0]) ?? 'the whole';
  throw new VlabError('input', `${path} is not a file of credentials: ${where.split('.')[0]} has another shape`);
}

/** Names under which tools have kept the credentials of Docker Hub. */
const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];
/** What docker asks helpers for, when it means Docker Hub. */
const DOCKER_HUB_SERVER = 'https://index.docker.io/v1/';

/**
 * Where `file` has credentials for `repository` of the registry `host` (with its port), if it has: the helper of this registry
 * first, then the longest key that is the repository or leads to it, then the helper of all.
 * Error (`input`): a helper's name that is no plain name, or an `auth` that is no base64 of NAME:PASSWORD.
 */
export function lookUp(file: AuthFile, host: string, repository: string): Lookup | undefined {
  const hosts = DOCKER_HUB.includes(host) ? DOCKER_HUB : [host];
  const server = serverOf(host);
  const own = hosts.map((name) => Object.entries(file.credHelpers).find(([key]) => plainKey(key) === name)?.[1]);
  const helper = own.find((name) => name !== undefined && name !== '');
  if (helper) return { kind: 'helper', name: helperName(helper), server };
  const entries = new Map(Object.entries(file.auths).map(([key, entry]) => [plainKey(key), entry] as const));
  for (const key of keysFor(hosts, repository)) {
    const entry = entries.get(key);
    const credentials = entry ? credentialsOf(entry, key) : undefined;
    if (credentials) return { kind: 'known', credentials };
  }
  return file.credsStore === '' ? undefined : { kind: 'helper', name: helperName(file.credsStore), server };
}

/** What docker calls a registry in its files, and asks helpers for. */
export function serverOf(host: string): string {
  return DOCKER_HUB.includes(host) ? DOCKER_HUB_SERVER : host;
}

/** The longest first: `host/a/b`, `host/a`, `host`. */
function keysFor(hosts: readonly string[], repository: string): string[] {
  const parts = repository.split('/');
  const paths = parts.map((_, gone) => parts.slice(0, parts.length - gone).join('/'));
  return [...paths.flatMap((path) => hosts.map((host) => `${host}/${path}`)), ...hosts];
}

/** Without the scheme and the version of the protocol that docker's older keys have: `https://index.docker.io/v1/`. */
function plainKey(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/(?:\/v[12])?\/?$/, '');
}

function credentialsOf(entry: v.InferOutput<typeof Entry>, key: string): Credentials | undefined {
  if (entry.identitytoken) return { kind: 'identity', token: entry.identitytoken };
  if (entry.registrytoken) return { kind: 'registry', token: entry.registrytoken };
  if (entry.auth) return fromBase64(entry.auth, key);
  if (!entry.username) return undefined;
  return { kind: 'password', username: entry.username, password: entry.password ?? '' };
}

function fromBase64(auth: string, key: string): Credentials {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw new VlabError('input', `the credentials of ${key} are not the base64 of NAME:PASSWORD`);
  // docker pads passwords with NUL bytes
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}

function helperName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return name;
  throw new VlabError('input', `the name of a credential helper is not a plain one: ${JSON.stringify(name)}`);
}

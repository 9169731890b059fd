/** Logs in to a registry and out of it: what it takes is kept where docker, podman and skopeo find it. */
import { readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../../base/errors.js';
import { run } from '../../base/exec.js';
import { makeWhole } from '../../base/partial.js';
import { type Access, openRegistry } from './access.js';
import { type Credentials, lookUp, parseAuthFile, serverOf } from './auth-file.js';
import { RegistryError } from './registry-error.js';
import { discard } from './response.js';

export type Login = Extract<Credentials, { kind: 'password' }>;

/** Error (`input`): the registry does not take them; those of the registry. */
export async function checkLogin(host: string, login: Login, access: Access = {}): Promise<void> {
  await using registry = await openRegistry(host, { ...access, find: async () => login });
  const request = { method: 'GET', url: `${registry.origin}/v2/`, headers: {}, expected: [200] } as const;
  try {
    await discard(await registry.ask(request, { scopes: [] }));
  } catch (error) {
    if (!(error instanceof RegistryError) || ![401, 403].includes(error.status)) throw error;
    throw new VlabError('input', `login to ${host} failed: unauthorized: incorrect username or password`, {
      cause: error,
      exitCode: 1,
    });
  }
}

/** Where docker writes it, unless REGISTRY_AUTH_FILE says otherwise. */
export function loginFile(env: NodeJS.ProcessEnv = process.env): string {
  return env.REGISTRY_AUTH_FILE || join(env.DOCKER_CONFIG || join(env.HOME ?? homedir(), '.docker'), 'config.json');
}

/** With the helper that `file` names for this registry, or in `file`, which only its owner can read. */
export async function keepLogin(file: string, host: string, { username, password }: Login): Promise<void> {
  const before = await readJson(file);
  const server = serverOf(host);
  const helper = helperIn(before, file, host);
  if (helper !== undefined) {
    await askHelper(helper, 'store', JSON.stringify({ ServerURL: server, Username: username, Secret: password }));
    return;
  }
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  await write(file, { ...before, auths: { ...authsOf(before), [server]: { auth } } });
}

/** False: there was no login. */
export async function forgetLogin(file: string, host: string): Promise<boolean> {
  const before = await readJson(file);
  const server = serverOf(host);
  const helper = helperIn(before, file, host);
  if (helper !== undefined) return await askHelper(helper, 'erase', server);
  const { [server]: known, ...others } = authsOf(before);
  if (known === undefined) return false;
  await write(file, { ...before, auths: others });
  return true;
}

type Json = Record<string, unknown>;

/** All of it, since other tools keep more in it. */
async function readJson(file: string): Promise<Json> {
  try {
    const text = await readFile(file, 'utf8');
    parseAuthFile(text, file);
    return JSON.parse(text) as Json;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return {};
    throw error;
  }
}

function authsOf(json: Json): Json {
  return (json.auths ?? {}) as Json;
}

function helperIn(json: Json, file: string, host: string): string | undefined {
  const { auths: _, ...helpers } = parseAuthFile(JSON.stringify(json), file);
  const found = lookUp({ ...helpers, auths: {} }, host, '');
  return found?.kind === 'helper' ? found.name : undefined;
}

async function write(file: string, json: Json): Promise<void> {
  await makeWhole(file, (partial) => writeFile(partial, `${JSON.stringify(json, null, '\t')}\n`, { mode: 0o600 }));
}

/** False: it knows of no such login. */
async function askHelper(name: string, verb: 'store' | 'erase', input: string): Promise<boolean> {
  const program = `docker-credential-${name}`;
  const ran = await run(program, [verb], { stdin: 'pipe', input });
  if (ran.exitCode === 0) return true;
  if (/credentials not found/i.test(ran.stdout + ran.stderr)) return false;
  throw new VlabError('operation', `${program} ${verb} ended with ${ran.exitCode}`);
}

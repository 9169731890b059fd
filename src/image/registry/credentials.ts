/** Finds the credentials for a repository: reads the files, and asks the helpers that they name. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { errnoOf, VlabError } from '../../base/errors.js';
import { run } from '../../base/exec.js';
import { type Credentials, lookUp, parseAuthFile } from './auth-file.js';

/** Answers with the credentials for a repository of a registry (HOST or HOST:PORT), or undefined. */
export type FindCredentials = (
  host: string,
  repository: string,
  signal?: AbortSignal,
) => Promise<Credentials | undefined>;

/** A helper that has not answered by then waits for somebody who is not there. */
const HELPER_TIMEOUT_MS = 30_000;

/** Nobody: everything is asked for without credentials. */
export const noCredentials: FindCredentials = async () => undefined;

/** The files in the order in which they are asked; $REGISTRY_AUTH_FILE alone when it is set (containers-auth.json(5)). */
export function authFiles(env: NodeJS.ProcessEnv = process.env, home: string = env.HOME ?? homedir()): string[] {
  if (env.REGISTRY_AUTH_FILE) return [env.REGISTRY_AUTH_FILE];
  const runtime = env.XDG_RUNTIME_DIR
    ? join(env.XDG_RUNTIME_DIR, 'containers')
    : `/run/containers/${process.getuid?.() ?? 0}`;
  return [
    join(runtime, 'auth.json'),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers/auth.json'),
    join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json'),
  ];
}

/** Asks the files in their order; those that are not there count as empty. Errors: those of the files and of the helpers. */
export function credentialsFrom(files: readonly string[]): FindCredentials {
  return async (host, repository, signal) => {
    for (const path of files) {
      const text = await readIfThere(path);
      if (text === undefined) continue;
      const found = lookUp(parseAuthFile(text, path), host, repository);
      const credentials =
        found?.kind === 'helper' ? await askHelper(found.name, found.server, signal) : found?.credentials;
      if (credentials) return credentials;
    }
    return undefined;
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(cause) ?? '')) return undefined;
    throw new VlabError('input', `the credentials in ${path} cannot be read: ${errnoOf(cause)}`, { cause });
  }
}

const Answer = v.object({ Username: v.string(), Secret: v.string() });
/** The user name with which a helper says that its secret is an identity token. */
const IS_TOKEN = '<token>';

/** The protocol of github.com/docker/docker-credential-helpers: the server goes in, JSON comes out. */
async function askHelper(name: string, server: string, signal?: AbortSignal): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const limits = { timeout: HELPER_TIMEOUT_MS, maxBuffer: 1024 * 1024, ...(signal && { cancelSignal: signal }) };
  const ran = await run(program, ['get'], { stdin: 'pipe', input: server, ...limits });
  signal?.throwIfAborted();
  if (ran.exitCode !== 0) {
    // the one failure that is an answer; every helper says it in these words
    if (/credentials not found/i.test(ran.stdout + ran.stderr)) return undefined;
    throw new VlabError('operation', `${program} has no answer for ${server}: it ended with ${ran.exitCode}`, {
      hint: `try: echo ${server} | ${program} get`,
    });
  }
  const answer = readAnswer(ran.stdout);
  if (!answer)
    throw new VlabError('operation', `${program} answers for ${server} with something else than credentials`);
  if (answer.Username === IS_TOKEN) return { kind: 'identity', token: answer.Secret };
  return { kind: 'password', username: answer.Username, password: answer.Secret };
}

function readAnswer(text: string): v.InferOutput<typeof Answer> | undefined {
  try {
    return v.parse(Answer, JSON.parse(text));
  } catch {
    return undefined;
  }
}

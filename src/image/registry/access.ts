/** How registries are reached on this machine: files that say where, with which certificates, and as whom. */
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, messageOf, VlabError } from '../../base/errors.js';
import { type Reference, repositoryName } from '../reference.js';
import { authFiles, credentialsFrom, type FindCredentials } from './credentials.js';
import { endpointOf, isLoopback } from './endpoint.js';
import { placesFor, type RegistryPlace, type RegistryRule, rulesOf } from './registries-conf.js';
import { Repository } from './repository.js';
import { discard } from './response.js';
import type { RetryRule } from './retry.js';
import { ConnectionError } from './transport.js';

export interface Access {
  /** Default: what the files of docker's and containers' logins say. */
  find?: FindCredentials;
  /** A directory with `*.crt` of authorities that are trusted for every registry. */
  certDir?: string;
  /** False: certificates are not checked, and plain http will do. */
  tlsVerify?: boolean;
  retry?: RetryRule;
  env?: NodeJS.ProcessEnv;
}

/** The repositories to ask for an image, in their order; open until they are disposed. */
export async function openSources(reference: Reference, access: Access = {}): Promise<SourceList> {
  const rules = await readRules(access.env ?? process.env);
  const image = { host: reference.domain, path: reference.path, isDigest: reference.digest !== undefined };
  return await openPlaces(placesFor(rules, image), access);
}

/** The one repository that an image is pushed to: never a mirror. */
export async function openTarget(reference: Reference, access: Access = {}): Promise<SourceList> {
  const rules = await readRules(access.env ?? process.env);
  const place = placesFor(rules, { host: reference.domain, path: reference.path, isDigest: false }).at(-1);
  if (!place) throw new Error(`${repositoryName(reference)} has a place`);
  return await openPlaces([place], access);
}

/** The registry itself, for what is about no repository. */
export async function openRegistry(host: string, access: Access = {}): Promise<Repository> {
  return await openPlace({ host, path: '', isInsecure: false }, access);
}

export class SourceList implements AsyncDisposable {
  constructor(readonly repositories: Repository[]) {}

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.repositories.map((repository) => repository[Symbol.asyncDispose]()));
  }
}

async function openPlaces(places: readonly RegistryPlace[], access: Access): Promise<SourceList> {
  const opened: Repository[] = [];
  try {
    for (const place of places) opened.push(await openPlace(place, access));
    return new SourceList(opened);
  } catch (error) {
    await new SourceList(opened)[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * With TLS where the registry speaks it. As docker does it, plain http is tried after that for loopback, and for what a person
 * called insecure.
 */
async function openPlace({ host, path, isInsecure }: RegistryPlace, access: Access): Promise<Repository> {
  const env = access.env ?? process.env;
  const insecure = isInsecure || access.tlsVerify === false;
  const ca = await certificatesFor(host, access.certDir);
  const find = access.find ?? credentialsFrom(authFiles(env));
  const options = { find, ...(access.retry && { retry: access.retry }) };
  const endpoint = endpointOf(host, { isInsecure: insecure, ...(ca !== undefined && { ca }) });
  const repository = new Repository(endpoint, path, options);
  if (!insecure && !isLoopback(new URL(endpoint.origin))) return repository;
  if (await speaksTls(repository)) return repository;
  await repository[Symbol.asyncDispose]();
  return new Repository(endpointOf(host, { isInsecure: insecure, isPlainHttp: true }), path, options);
}

/** False: a connection came about and was no TLS, or none did. A certificate that is refused is a matter for the person. */
async function speaksTls(repository: Repository): Promise<boolean> {
  const request = { method: 'GET', url: `${repository.origin}/v2/`, headers: {}, expected: [200] } as const;
  try {
    await discard(await repository.ask(request, { isOnce: true, scopes: [] }));
    return true;
  } catch (error) {
    return !(error instanceof ConnectionError);
  }
}

/** Where docker and containers look for them (containers-certs.d(5)). */
const CERTIFICATES = ['/etc/containers/certs.d', '/etc/docker/certs.d'];

async function certificatesFor(host: string, certDir: string | undefined): Promise<string | undefined> {
  const folders = certDir === undefined ? CERTIFICATES.map((folder) => join(folder, host)) : [certDir];
  const found: string[] = [];
  for (const folder of folders) {
    const names = await readdir(folder).catch((error: unknown) => {
      if (certDir === undefined && ['ENOENT', 'EACCES', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
      throw new VlabError('input', `the certificates in ${folder} cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
    });
    for (const name of names.filter((each) => each.endsWith('.crt'))) {
      found.push(await readFile(join(folder, name), 'utf8'));
    }
  }
  return found.length > 0 ? found.join('\n') : undefined;
}

/** In the order in which later ones go before earlier ones. */
async function readRules(env: NodeJS.ProcessEnv): Promise<RegistryRule[]> {
  const rules: RegistryRule[] = [];
  for (const path of await confFiles(env)) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
      throw new VlabError('input', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
    });
    if (text === undefined) continue;
    const { parse } = await import('smol-toml');
    let document: unknown;
    try {
      document = parse(text);
    } catch (cause) {
      throw new VlabError('input', `${path} is not TOML`, { cause });
    }
    rules.push(...rulesOf(document, path));
  }
  return rules;
}

async function confFiles(env: NodeJS.ProcessEnv): Promise<string[]> {
  const chosen = env.CONTAINERS_REGISTRIES_CONF;
  if (chosen) return [chosen];
  const own = join(env.XDG_CONFIG_HOME || join(env.HOME ?? homedir(), '.config'), 'containers');
  const all: string[] = [];
  for (const folder of ['/etc/containers', own]) {
    all.push(join(folder, 'registries.conf'));
    const dropIns = await readdir(join(folder, 'registries.conf.d')).catch(() => []);
    const names = dropIns.filter((name) => name.endsWith('.conf')).sort();
    all.push(...names.map((name) => join(folder, 'registries.conf.d', name)));
  }
  return all;
}

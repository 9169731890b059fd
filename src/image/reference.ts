/**
 * Names of images, by the grammar of github.com/distribution/reference: `[DOMAIN/]PATH[:TAG][@DIGEST]`. People write short ones,
 * which docker completes: `busybox` is docker.io/library/busybox:latest.
 */
import { VlabError } from '../base/errors.js';
import type { Digest } from './descriptor.js';
import { isDigest } from './digest.js';

export interface Reference {
  /** HOST or HOST:PORT: `docker.io`. */
  domain: string;
  /** `library/busybox`. */
  path: string;
  tag?: string;
  digest?: Digest;
}

const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_PART = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*';
const PATH = new RegExp(`^${PATH_PART}(?:/${PATH_PART})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const LONGEST_NAME = 255;
const DOCKER_HUB = 'docker.io';
const LEGACY_HUB = 'index.docker.io';
const OFFICIAL = 'library/';
const DEFAULT_TAG = 'latest';

/** As it is written, with the domain and `library/` added where they are missing, but no tag. Error (`input`): it is no name of an image. */
export function parseReference(text: string): Reference {
  const refuse = (why: string) => new VlabError('input', `invalid reference format: ${JSON.stringify(text)}: ${why}`);
  if (/^[a-f0-9]{64}$/.test(text)) throw refuse('64 hexadecimal digits are an id, not a name');
  const [beforeDigest = '', digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) throw refuse('what follows @ is no digest');
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  const name = hasTag ? beforeDigest.slice(0, colon) : beforeDigest;
  const tag = hasTag ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) throw refuse('what follows the last colon is no tag');
  const { domain, path } = splitDomain(name);
  if (!DOMAIN.test(domain)) throw refuse('it begins with no host');
  if (!PATH.test(path)) {
    const isLower = path === path.toLowerCase();
    throw refuse(isLower ? 'it is no name of a repository' : 'the name of a repository must be lowercase');
  }
  if (domain.length + 1 + path.length > LONGEST_NAME) throw refuse(`a name has at most ${LONGEST_NAME} characters`);
  return { domain, path, ...(tag !== undefined && { tag }), ...(isDigestOrNone(digest) && { digest }) };
}

function isDigestOrNone(digest: string | undefined): digest is Digest {
  return digest !== undefined;
}

/** A first part is a host when it has a dot or a port, is localhost, or has capitals, which no repository has. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  let domain = isHost ? first : DOCKER_HUB;
  const path = isHost ? name.slice(slash + 1) : name;
  if (domain === LEGACY_HUB) domain = DOCKER_HUB;
  return { domain, path: domain === DOCKER_HUB && !path.includes('/') ? OFFICIAL + path : path };
}

/** With the tag `latest` where there is neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: DEFAULT_TAG } : reference;
}

/** `docker.io/library/busybox`. */
export function repositoryName({ domain, path }: Reference): string {
  return `${domain}/${path}`;
}

/** The whole name, `docker.io/library/busybox:latest`, which is one and the same however it was written. */
export function referenceName(reference: Reference): string {
  const { tag, digest } = reference;
  return `${repositoryName(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** As people write it: `busybox`. */
export function familiarRepository({ domain, path }: Reference): string {
  if (domain !== DOCKER_HUB) return `${domain}/${path}`;
  return path.startsWith(OFFICIAL) && !path.slice(OFFICIAL.length).includes('/') ? path.slice(OFFICIAL.length) : path;
}

/** As people write it: `busybox:latest`. */
export function familiarName(reference: Reference): string {
  const { tag, digest } = reference;
  return `${familiarRepository(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

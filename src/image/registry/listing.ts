/** What is in a repository, and how it goes away (distribution-spec, "Content Discovery" and "Content Management"). */
import * as v from 'valibot';
import { VlabError } from '../../base/errors.js';
import type { Digest } from '../descriptor.js';
import { MOST_MANIFEST_BYTES } from '../manifest.js';
import { nextLink } from './link-header.js';
import { shownUrl } from './registry-error.js';
import type { Repository } from './repository.js';
import { deleteBlob, deleteManifest, listTags, type RegistryRequest } from './requests.js';
import { discard, readAtMost } from './response.js';
import { redirectTarget } from './transport.js';

const PAGE_LENGTH = 1000;
/** A registry that links its pages in a circle is left. */
const MOST_PAGES = 1000;

const Tags = v.object({ tags: v.nullish(v.array(v.string()), []) });

/** All tags, in the registry's order. Errors: those of Repository.ask; (`operation`) the answer is no list, or has no end. */
export async function tagsOf(repository: Repository, signal?: AbortSignal): Promise<string[]> {
  const pages = await pagesOf(repository, listTags(repository, PAGE_LENGTH), Tags, signal);
  return pages.flatMap(({ body }) => body.tags ?? []);
}

export interface Page<T> {
  body: T;
  headers: { get(name: string): string | null };
  status: number;
}

/**
 * The pages of a list, each found by the Link of the one before. A page with a status that is not 200 is the last, and is not
 * among them. Errors (`operation`): a page is not of `shape`, leads to another server, or there are more than a thousand.
 */
export async function pagesOf<T>(
  repository: Repository,
  first: RegistryRequest,
  shape: v.GenericSchema<unknown, T>,
  signal?: AbortSignal,
): Promise<Page<T>[]> {
  const pages: Page<T>[] = [];
  for (let request: RegistryRequest | undefined = first; request; ) {
    const answer = await repository.ask(request, { signal });
    const name = shownUrl(request.url);
    if (answer.status !== 200) {
      await discard(answer);
      return pages;
    }
    const body = parsePage(await readAtMost(answer, MOST_MANIFEST_BYTES), shape, name);
    pages.push({ body, headers: answer.headers, status: answer.status });
    const next = nextLink(answer.headers.get('link'));
    if (next === undefined) return pages;
    const url: URL = redirectTarget(new URL(request.url), next);
    if (url.origin !== repository.origin)
      throw new VlabError('operation', `${name} goes on at another server: not followed`);
    if (pages.length >= MOST_PAGES) throw new VlabError('operation', `${name} has more than ${MOST_PAGES} pages`);
    request = { ...request, url: url.href };
  }
  return pages;
}

function parsePage<T>(bytes: Uint8Array, shape: v.GenericSchema<unknown, T>, name: string): T {
  try {
    return v.parse(shape, JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw new VlabError('operation', `${name} answers with something else than a list`, { cause });
  }
}

/** Removes a tag, or by its digest a manifest with all its tags. Many registries refuse either (405 or 400). */
export async function removeManifest(repository: Repository, reference: string, signal?: AbortSignal): Promise<void> {
  await remove(repository, deleteManifest(repository, reference), signal);
}

export async function removeBlob(repository: Repository, digest: Digest, signal?: AbortSignal): Promise<void> {
  await remove(repository, deleteBlob(repository, digest), signal);
}

async function remove(repository: Repository, request: RegistryRequest, signal?: AbortSignal): Promise<void> {
  await discard(await repository.ask(request, { signal, scopes: [repository.scope('delete,pull,push')] }));
}

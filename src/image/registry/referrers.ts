/** What was attached to an image: signatures, bills of materials (distribution-spec, "Listing Referrers"). */
import * as v from 'valibot';
import { VlabError } from '../../base/errors.js';
import type { Descriptor, Digest } from '../descriptor.js';
import { isDigest } from '../digest.js';
import { OCI_INDEX } from '../manifest.js';
import { pagesOf } from './listing.js';
import { pullManifest } from './pull.js';
import { pushManifest } from './push.js';
import { RegistryError } from './registry-error.js';
import type { Repository } from './repository.js';
import { listReferrers, referrersTag } from './requests.js';

const Listed = v.looseObject({
  mediaType: v.string(),
  digest: v.custom<Digest>((digest) => typeof digest === 'string' && isDigest(digest)),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
const Index = v.object({ manifests: v.nullish(v.array(Listed), []) });

/**
 * The descriptors of the manifests whose subject is `digest`; by `artifactType` only those of this type. Where the registry does
 * not know them, the tag is read under which clients keep them. Errors: those of Repository.ask and of lists.
 */
export async function referrersOf(
  repository: Repository,
  digest: Digest,
  artifactType?: string,
  signal?: AbortSignal,
): Promise<Descriptor[]> {
  const pages = await pagesOf(repository, listReferrers(repository, digest, artifactType), Index, signal);
  const all =
    pages.length > 0
      ? pages.flatMap(({ body }) => (body.manifests ?? []) as unknown as Descriptor[])
      : await keptUnderTag(repository, digest, signal);
  // not every registry filters, and to do so again changes nothing
  return artifactType === undefined ? all : all.filter((descriptor) => descriptor.artifactType === artifactType);
}

async function keptUnderTag(repository: Repository, digest: Digest, signal?: AbortSignal): Promise<Descriptor[]> {
  try {
    const { bytes } = await pullManifest(repository, referrersTag(digest), signal);
    return (v.parse(Index, JSON.parse(Buffer.from(bytes).toString('utf8'))).manifests ?? []) as unknown as Descriptor[];
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return [];
    if (error instanceof VlabError) throw error;
    throw new VlabError('operation', `the tag ${referrersTag(digest)} is no index of referrers`, { cause: error });
  }
}

/**
 * For a registry that does not keep referrers: adds `referrer` to the index under the fallback tag of `subject`. The
 * specification has no way to do so that two clients at once cannot undo for each other.
 */
export async function keepReferrer(
  repository: Repository,
  subject: Digest,
  referrer: Descriptor,
  signal?: AbortSignal,
): Promise<void> {
  const others = await keptUnderTag(repository, subject, signal);
  if (others.some(({ digest }) => digest === referrer.digest)) return;
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...others, referrer] };
  const bytes = Buffer.from(JSON.stringify(index));
  await pushManifest(repository, referrersTag(subject), { mediaType: OCI_INDEX, bytes }, signal);
}

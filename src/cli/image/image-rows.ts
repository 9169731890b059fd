/** Images as `images` lists them: a row for each name, or one without. */
import { familiarName, familiarRepository, parseReference } from '../../image/reference.js';
import type { Image } from '../../image/store/image.js';
import type { ImageStore } from '../../image/store/image-store.js';
import { matches, parseFilters } from '../format/filter.js';
import { type ImageFacts, imageRules, referenceMatches } from '../format/filter-rules.js';
import type { ImageRow } from '../format/listings.js';

/** Those that the filters let through, with the names that they let through. Error (`input`): a filter that is none. */
export async function listedImages(store: ImageStore, texts: readonly string[]): Promise<Image[]> {
  const images = await store.list();
  const others = await createdTimes(store, texts);
  const rules = imageRules((reference) => others.get(reference) ?? 0);
  const filters = parseFilters(texts, rules);
  const patterns = filters.get('reference') ?? [];
  return images
    .filter((image) => matches(factsOf(image), filters, rules))
    .map((image) => (patterns.length === 0 ? image : withMatching(image, patterns)));
}

/** When the images were made that `before=` and `since=` name. Error (`input`): no such image. */
async function createdTimes(store: ImageStore, texts: readonly string[]): Promise<Map<string, number>> {
  const named = texts.flatMap((text) => /^(?:before|since)=(.+)$/.exec(text.trim())?.[1] ?? []);
  return new Map(await Promise.all(named.map(async (name) => [name, createdMs(await store.get(name))] as const)));
}

function createdMs({ createdAt }: Image): number {
  const ms = Date.parse(createdAt);
  return Number.isNaN(ms) ? 0 : ms;
}

export function factsOf(image: Image): ImageFacts {
  const references = image.references.map((name) => familiarName(parseReference(name)));
  return { id: image.id, references, labels: image.config.config?.Labels ?? {}, createdAtMs: createdMs(image) };
}

function withMatching(image: Image, patterns: readonly string[]): Image {
  const isWanted = (name: string) =>
    patterns.some((pattern) => referenceMatches(familiarName(parseReference(name)), pattern));
  return { ...image, references: image.references.filter(isWanted) };
}

/** With `digests` a name that registries know is shown with each of its digests. */
export function imageRows(images: readonly Image[], digests: boolean): ImageRow[] {
  return images.flatMap((image) => {
    const common = { id: image.id, createdAtMs: createdMs(image), sizeBytes: image.sizeBytes };
    const known = image.repoDigests.map(parseReference);
    const named = image.references.map(parseReference).flatMap((reference): ImageRow[] => {
      const repository = familiarRepository(reference);
      const row = { ...common, repository, tag: reference.tag };
      const own = known.filter((one) => familiarRepository(one) === repository);
      if (!digests || own.length === 0) return [row];
      return own.map(({ digest }) => ({ ...row, digest }));
    });
    if (named.length > 0) return named;
    const [first] = known;
    // pulled by its digest, it has a repository and no tag
    return [{ ...common, ...(first && { repository: familiarRepository(first), digest: first.digest }) }];
  });
}

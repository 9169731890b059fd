/** What index.json of the store notes beside its descriptors, and how names move in it. Pure. */
import type { Descriptor, Digest } from '../descriptor.js';
import type { ImageIndex } from '../manifest.js';
import { parseReference, type Reference, referenceName, repositoryName, withDefaultTag } from '../reference.js';

/** image-spec annotations.md: what skopeo and podman find an image by. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** What containerd and docker find it by. */
export const CONTAINERD_NAME = 'io.containerd.image.name';
/** NAME@DIGEST, separated by spaces, as registries know it. */
const REPO_DIGESTS = 'vlab.repo-digests';
/** The image's id: what has the same configuration is the same image, however its layers are packed. */
const IMAGE_ID = 'vlab.image-id';

/** The whole name of an entry, or undefined. Other tools write short ones: `busybox`. */
export function nameOf({ annotations }: Descriptor): string | undefined {
  const text = annotations?.[CONTAINERD_NAME] ?? annotations?.[REF_NAME];
  if (text === undefined) return undefined;
  try {
    return referenceName(withDefaultTag(parseReference(text)));
  } catch {
    return undefined; // a name that nobody can ask for
  }
}

export function repoDigestsOf({ annotations }: Descriptor): string[] {
  return (annotations?.[REPO_DIGESTS] ?? '').split(' ').filter(Boolean);
}

/** Undefined: another tool made the entry. */
export function idOf({ annotations }: Descriptor): string | undefined {
  return annotations?.[IMAGE_ID];
}

/** An entry for a manifest, without a name. */
export function entryFor({ annotations: _, ...manifest }: Descriptor, id: Digest): Descriptor {
  return { ...manifest, annotations: { [IMAGE_ID]: id } };
}

/** The entries that are the same image as `entry`. */
export function entriesLike(index: ImageIndex, entry: Descriptor): Descriptor[] {
  const id = idOf(entry);
  return index.manifests.filter((one) => one.digest === entry.digest || (id !== undefined && idOf(one) === id));
}

/** All names of one image. */
export function namesOf(entries: readonly Descriptor[]): { references: string[]; repoDigests: string[] } {
  const references = entries.flatMap((entry) => nameOf(entry) ?? []);
  return { references: [...new Set(references)], repoDigests: [...new Set(entries.flatMap(repoDigestsOf))] };
}

export interface Names {
  reference?: Reference | undefined;
  /** `docker.io/library/busybox@sha256:…`. */
  repoDigest?: string | undefined;
}

/**
 * The index with `manifest` in it, by its name where it gets one; who had this name lost it. An entry without a name becomes the
 * entry with the first.
 */
export function withEntry(index: ImageIndex, manifest: Descriptor, { reference, repoDigest }: Names): ImageIndex {
  const isSame = (entry: Descriptor) => entry.digest === manifest.digest;
  const name = reference && referenceName(withDefaultTag(reference));
  const digests = new Set(index.manifests.filter(isSame).flatMap(repoDigestsOf));
  if (repoDigest !== undefined) digests.add(repoDigest);
  const others = name === undefined ? index : withoutName(index, name);
  const id = idOf(manifest);
  // the same image by another manifest, which has no name (any more): nobody would find it, and so nobody remove it
  const isLeft = (entry: Descriptor) => name !== undefined && id !== undefined && idOf(entry) === id;
  const kept = others.manifests
    .filter((entry) => nameOf(entry) !== undefined || !(isSame(entry) || isLeft(entry)))
    .map((entry) => (isSame(entry) ? noted(entry, nameOf(entry), digests) : entry));
  const isThere = name === undefined && kept.some(isSame);
  return { ...index, manifests: isThere ? kept : [...kept, noted(manifest, name, digests)] };
}

/** The index in which nothing has that name; what had no other stays without one. */
export function withoutName(index: ImageIndex, name: string): ImageIndex {
  const manifests: Descriptor[] = [];
  for (const entry of index.manifests) {
    if (nameOf(entry) !== name) manifests.push(entry);
    else if (!index.manifests.some((other) => other !== entry && other.digest === entry.digest)) {
      manifests.push(noted(entry, undefined, new Set(repoDigestsOf(entry))));
    }
  }
  return { ...index, manifests };
}

/** The index in which no image is known as that NAME@DIGEST. */
export function withoutRepoDigest(index: ImageIndex, repoDigest: string): ImageIndex {
  const manifests = index.manifests.map((entry) => {
    const digests = new Set(repoDigestsOf(entry));
    return digests.delete(repoDigest) ? noted(entry, nameOf(entry), digests) : entry;
  });
  return { ...index, manifests };
}

function noted(entry: Descriptor, name: string | undefined, digests: ReadonlySet<string>): Descriptor {
  const { annotations = {}, ...plain } = entry;
  const { [REF_NAME]: _, [CONTAINERD_NAME]: __, [REPO_DIGESTS]: ___, ...others } = annotations;
  const all = {
    ...others,
    ...(name !== undefined && { [CONTAINERD_NAME]: name, [REF_NAME]: name }),
    ...(digests.size > 0 && { [REPO_DIGESTS]: [...digests].join(' ') }),
  };
  return Object.keys(all).length > 0 ? { ...plain, annotations: all } : plain;
}

/** The entry that `reference` names: by its digest where it has one, else by its tag. */
export function entryOf(index: ImageIndex, reference: Reference): Descriptor | undefined {
  const { digest } = reference;
  if (digest === undefined) {
    const name = referenceName(withDefaultTag(reference));
    return index.manifests.find((entry) => nameOf(entry) === name);
  }
  const repository = repositoryName(reference);
  return index.manifests.find(
    (entry) =>
      repoDigestsOf(entry).includes(`${repository}@${digest}`) ||
      (entry.digest === digest && isNamedIn(entry, repository)),
  );
}

function isNamedIn(entry: Descriptor, repository: string): boolean {
  const name = nameOf(entry);
  return name !== undefined && repositoryName(parseReference(name)) === repository;
}

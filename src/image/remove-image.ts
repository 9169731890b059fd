/** What `rmi` and `image prune` take away, by docker's rules: names first, and the image with its last name. */
import { VlabError } from '../base/errors.js';
import type { Digest } from './descriptor.js';
import { shortId } from './digest.js';
import {
  familiarName,
  parseReference,
  type Reference,
  referenceName,
  repositoryName,
  withDefaultTag,
} from './reference.js';
import type { Image } from './store/image.js';
import type { ImageStore } from './store/image-store.js';

/** A container that was made from an image. */
export interface ImageUser {
  id: string;
  isRunning: boolean;
}

export interface RemoveOptions {
  force?: boolean | undefined;
  /** The containers that were made from the image of this id. */
  usersOf: (id: Digest) => readonly ImageUser[];
}

export type Removed =
  /** As people write it: `busybox:latest`. */
  | { kind: 'untagged'; name: string }
  /** An image's id, or the chain id of a layer that no other image has. */
  | { kind: 'deleted'; digest: Digest };

/**
 * Takes away what `text` names: a name from its image; with its last one, or by its id, the image. Garbage stays for the caller to
 * collect. Errors (`input`): nothing is called so; containers use it; an id that several repositories have names for.
 */
export async function removeImage(store: ImageStore, text: string, options: RemoveOptions): Promise<Removed[]> {
  const image = await findBroken(store, text);
  if (image === 'untagged') return [{ kind: 'untagged', name: text }];
  const reference = referenceIn(image, text);
  return reference ? await byName(store, image, reference, options) : await byId(store, image, options);
}

/** What cannot be read can be taken its name, so that its garbage can go. */
async function findBroken(store: ImageStore, text: string): Promise<Image | 'untagged'> {
  try {
    return await store.get(text);
  } catch (error) {
    if (!(error instanceof VlabError) || error.blame !== 'operation') throw error;
    if (await store.discard(parseReference(text))) return 'untagged';
    throw error;
  }
}

/** Undefined: it was found by its id. */
function referenceIn(image: Image, text: string): Reference | undefined {
  try {
    const reference = withDefaultTag(parseReference(text));
    const { tag: _, ...repository } = reference;
    const isKnown = reference.digest
      ? image.repoDigests.includes(referenceName(repository)) || image.manifestDigest === reference.digest
      : image.references.includes(referenceName(reference));
    return isKnown ? reference : undefined;
  } catch {
    return undefined;
  }
}

async function byName(
  store: ImageStore,
  image: Image,
  reference: Reference,
  { force = false, usersOf }: RemoveOptions,
): Promise<Removed[]> {
  const others = image.references.filter((one) => one !== referenceName(reference));
  if (others.length > 0) {
    await store.untag(reference);
    return [{ kind: 'untagged', name: familiarName(reference) }];
  }
  const [user] = usersOf(image.id);
  if (user && !force) {
    throw new VlabError(
      'input',
      `conflict: unable to remove repository reference "${familiarName(reference)}" (must force) - container ${user.id.slice(0, 12)} is using its referenced image ${shortId(image.id)}`,
      { exitCode: 1, hint: 'remove the container, or only the name with: vlab rmi -f' },
    );
  }
  if (user) {
    await store.untag(reference);
    return [{ kind: 'untagged', name: familiarName(reference) }];
  }
  return await whole(store, image);
}

async function byId(store: ImageStore, image: Image, { force = false, usersOf }: RemoveOptions): Promise<Removed[]> {
  const users = usersOf(image.id);
  const user = users.find(({ isRunning }) => isRunning) ?? users[0];
  const refuse = (how: string, why: string) =>
    new VlabError('input', `conflict: unable to delete ${shortId(image.id)} (${how}) - ${why}`, { exitCode: 1 });
  if (user?.isRunning) {
    throw refuse('cannot be forced', `image is being used by running container ${user.id.slice(0, 12)}`);
  }
  if (user && !force)
    throw refuse('must be forced', `image is being used by stopped container ${user.id.slice(0, 12)}`);
  const repositories = new Set(image.references.map((name) => repositoryName(parseReference(name))));
  if (repositories.size > 1 && !force) throw refuse('must be forced', 'image is referenced in multiple repositories');
  return await whole(store, image);
}

async function whole(store: ImageStore, image: Image): Promise<Removed[]> {
  await store.remove(image);
  const left = new Set((await store.list()).flatMap(({ layers }) => layers.map(({ chainId }) => chainId)));
  const layers = image.layers.map(({ chainId }) => chainId).filter((chainId) => !left.has(chainId));
  return [
    ...[...image.references, ...image.repoDigests].map((name) => ({
      kind: 'untagged' as const,
      name: familiarName(parseReference(name)),
    })),
    ...[image.id, ...layers.reverse()].map((digest) => ({ kind: 'deleted' as const, digest })),
  ];
}

export interface PruneOptions extends Omit<RemoveOptions, 'force'> {
  /** Those with names, too, as long as no container was made from them. */
  all?: boolean;
  /** Which may go. */
  filter?: (image: Image) => boolean;
}

/** Removes images that have no name, or that nobody uses. Garbage stays for the caller to collect. */
export async function pruneImages(
  store: ImageStore,
  { all = false, filter = () => true, usersOf }: PruneOptions,
): Promise<Removed[]> {
  const removed: Removed[] = [];
  for (const image of await store.list()) {
    const mayGo = (all || image.references.length === 0) && filter(image) && usersOf(image.id).length === 0;
    if (mayGo) removed.push(...(await whole(store, image)));
  }
  return removed;
}

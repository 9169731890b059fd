import type { SavedImage } from '../../image/archive/save-images.js';
import { parseReference, referenceName, repositoryName, withDefaultTag } from '../../image/reference.js';
import type { Image } from '../../image/store/image.js';
import type { ImageStore } from '../../image/store/image-store.js';

/**
 * What `save` saves: an image with the name that it is asked for by, without one when that is its id, and all images of a
 * repository when that is asked for without a tag and none of them is its `latest`. Error (`input`): No such image.
 */
export async function chosenImages(store: ImageStore, texts: readonly string[]): Promise<SavedImage[]> {
  const chosen = new Map<string, SavedImage>();
  for (const text of texts) {
    const found = await store.find(text);
    const all = found ? [{ image: found, references: askedName(found, text) }] : await ofRepository(store, text);
    for (const { image, references } of all.length > 0 ? all : [{ image: await store.get(text), references: [] }]) {
      const before = chosen.get(image.manifestDigest)?.references ?? [];
      chosen.set(image.manifestDigest, { image, references: [...new Set([...before, ...references])] });
    }
  }
  return [...chosen.values()];
}

function askedName({ references }: Image, text: string): string[] {
  const name = nameIn(text);
  return name !== undefined && references.includes(name) ? [name] : [];
}

function nameIn(text: string): string | undefined {
  try {
    return referenceName(withDefaultTag(parseReference(text)));
  } catch {
    return undefined; // it is an id
  }
}

async function ofRepository(store: ImageStore, text: string): Promise<SavedImage[]> {
  const asked = parseReference(text);
  if (asked.tag !== undefined || asked.digest !== undefined) return [];
  const isOf = (name: string) => repositoryName(parseReference(name)) === repositoryName(asked);
  return (await store.list())
    .map((image) => ({ image, references: image.references.filter(isOf) }))
    .filter(({ references }) => references.length > 0);
}

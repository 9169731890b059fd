/** Brings an image from its registry into the store. */
import type { Descriptor, Digest, Platform } from './descriptor.js';
import type { Image } from './store/image.js';

/** What happens to one layer after the other, for who draws it. */
export type PullEvent =
  | { kind: 'resolved'; reference: string; digest: Digest }
  | { kind: 'layer'; descriptor: Descriptor; state: 'waiting' | 'present' | 'done' }
  | { kind: 'layer'; descriptor: Descriptor; state: 'downloading'; doneBytes: number; allBytes: number };

export interface PullOptions {
  /** Default: this machine's. */
  platform?: Platform;
  /** `missing` asks a registry only for an image that is not here; `never` does not at all. Default: always. */
  policy?: 'always' | 'missing' | 'never';
  progress?: (event: PullEvent) => void;
  signal?: AbortSignal;
}

export interface Pulled {
  image: Image;
  /** What the name means at the registry: of an index where there is one. Undefined: nobody was asked. */
  digest: Digest | undefined;
  isNew: boolean;
}

/** `reference`: as people write it. Errors: (`input`) no such image, nobody may have it, or not for this platform; those of the registry. */
export async function pullImage(_reference: string, _options: PullOptions = {}): Promise<Pulled> {
  throw new Error('not yet');
}

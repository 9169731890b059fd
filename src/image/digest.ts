/** Digests name content (image-spec descriptor.md, "Digests"): what has this digest is what was meant. */
import { createHash } from 'node:crypto';
import type { Digest } from './descriptor.js';

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

export function algorithmOf(digest: Digest): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** In lower-case hex, without the algorithm. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The digest of `bytes`, by the algorithm of `like` where one is given. */
export function digestOf(bytes: Uint8Array | string, like?: Digest): Digest {
  const algorithm = like === undefined ? 'sha256' : algorithmOf(like);
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** How far into a digest an id is shown. */
const SHORT = 12;

/** As docker shows ids of images: the first twelve digits. */
export function shortId(digest: Digest): string {
  return hexOf(digest).slice(0, SHORT);
}

/** What is asked of a registry, as values (distribution-spec 1.1, "Endpoints"): the one who sends them is transport.ts. */
import { VlabError } from '../../base/errors.js';
import type { Descriptor, Digest } from '../descriptor.js';
import { isDigest } from '../digest.js';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../manifest.js';

export interface RegistryRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute. */
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** The status codes that are an answer; all others are an error. */
  expected: readonly number[];
}

/** A repository of a registry, by the origin of its endpoint. */
export interface Place {
  /** `https://HOST`. */
  origin: string;
  /** `library/busybox`. */
  repository: string;
}

/** Manifests and indexes of OCI and of Docker, the newer first. */
export const MANIFEST_TYPES = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST] as const;

const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const LONGEST_REPOSITORY = 255;

/** `ORIGIN/v2/REPOSITORY/...`. Error (`input`): the repository's name is none by the specification. */
export function urlOf(place: Place, ...parts: readonly string[]): string {
  if (place.repository.length > LONGEST_REPOSITORY || !REPOSITORY.test(place.repository)) {
    throw new VlabError('input', `this is no repository's name: ${JSON.stringify(place.repository)}`);
  }
  return [place.origin, 'v2', place.repository, ...parts].join('/');
}

/** `reference` is a tag or a digest. Error (`input`): it is neither. */
export function manifestUrl(place: Place, reference: string): string {
  if (TAG.test(reference) || isDigest(reference)) return urlOf(place, 'manifests', reference);
  throw new VlabError('input', `this is neither a tag nor a digest: ${JSON.stringify(reference)}`);
}

export function blobUrl(place: Place, digest: string): string {
  if (isDigest(digest)) return urlOf(place, 'blobs', digest);
  throw new VlabError('input', `this is no digest: ${JSON.stringify(digest)}`);
}

export function getManifest(place: Place, reference: string): RegistryRequest {
  return {
    method: 'GET',
    url: manifestUrl(place, reference),
    headers: { accept: MANIFEST_TYPES.join(', ') },
    expected: [200],
  };
}

/** 404 is an answer: it is not there. */
export function headManifest(place: Place, reference: string): RegistryRequest {
  return { ...getManifest(place, reference), method: 'HEAD', expected: [200, 404] };
}

/** From byte `offset` on; a server that cannot do ranges sends the whole with 200. 416: there is nothing behind `offset`. */
export function getBlob(place: Place, blob: Descriptor, offset: number): RegistryRequest {
  const range = offset > 0 ? { range: `bytes=${offset}-${blob.size - 1}` } : {};
  const expected = offset > 0 ? [200, 206, 416] : [200];
  // a blob is bytes: what a server would compress on the way would have another length
  return {
    method: 'GET',
    url: blobUrl(place, blob.digest),
    headers: { 'accept-encoding': 'identity', ...range },
    expected,
  };
}

export function headBlob(place: Place, digest: Digest): RegistryRequest {
  return { method: 'HEAD', url: blobUrl(place, digest), headers: {}, expected: [200, 404] };
}

/** 201: the blob was there in `from`, another repository of this registry, and is here now. 202: an upload began. */
export function beginUpload(place: Place, mount?: { digest: Digest; from: string }): RegistryRequest {
  const query = mount ? `?mount=${encodeURIComponent(mount.digest)}&from=${encodeURIComponent(mount.from)}` : '';
  const expected = mount ? [201, 202] : [202];
  return { method: 'POST', url: `${urlOf(place, 'blobs', 'uploads')}/${query}`, headers: {}, body: NOTHING, expected };
}

/** Bytes `offset` and following. 416: the registry has another number of bytes than `offset`. */
export function sendChunk(location: string, body: Uint8Array, offset: number): RegistryRequest {
  const headers = {
    'content-type': 'application/octet-stream',
    'content-range': `${offset}-${offset + body.length - 1}`,
  };
  return { method: 'PATCH', url: location, headers, body, expected: [202, 416] };
}

/** Ends the upload: with all of the blob in `body`, or with none when its chunks were sent before. */
export function endUpload(location: string, digest: Digest, body: Uint8Array = NOTHING): RegistryRequest {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  return {
    method: 'PUT',
    url: url.href,
    headers: { 'content-type': 'application/octet-stream' },
    body,
    expected: [201, 204],
  };
}

/** How many bytes of an upload the registry has: in the header Range of the answer. */
export function uploadStatus(location: string): RegistryRequest {
  return { method: 'GET', url: location, headers: {}, expected: [204, 202] };
}

export function cancelUpload(location: string): RegistryRequest {
  return { method: 'DELETE', url: location, headers: {}, expected: [204, 202, 200, 404, 405] };
}

export function putManifest(place: Place, reference: string, mediaType: string, body: Uint8Array): RegistryRequest {
  return {
    method: 'PUT',
    url: manifestUrl(place, reference),
    headers: { 'content-type': mediaType },
    body,
    expected: [201],
  };
}

export function deleteManifest(place: Place, reference: string): RegistryRequest {
  return { method: 'DELETE', url: manifestUrl(place, reference), headers: {}, expected: [202, 200, 204] };
}

export function deleteBlob(place: Place, digest: Digest): RegistryRequest {
  return { method: 'DELETE', url: blobUrl(place, digest), headers: {}, expected: [202, 200, 204] };
}

export function listTags(place: Place, pageLength: number): RegistryRequest {
  return { method: 'GET', url: `${urlOf(place, 'tags', 'list')}?n=${pageLength}`, headers: {}, expected: [200] };
}

/** 404: this registry does not know referrers, and the fallback tag says them. */
export function listReferrers(place: Place, digest: Digest, artifactType?: string): RegistryRequest {
  blobUrl(place, digest);
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const url = `${urlOf(place, 'referrers', digest)}${query}`;
  return { method: 'GET', url, headers: { accept: OCI_INDEX }, expected: [200, 404] };
}

/** The tag under which clients keep the referrers of `digest` where the registry does not (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(digest: Digest): string {
  return digest.replace(':', '-').slice(0, 'sha512-'.length + 64);
}

const NOTHING = new Uint8Array(0);

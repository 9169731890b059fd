/** Manifests and indexes, of OCI (image-spec manifest.md, image-index.md) and of Docker (schema 2), as schemas that check and type them. */
import * as v from 'valibot';
import { VlabError } from '../base/errors.js';
import type { Descriptor, Digest } from './descriptor.js';
import { isDigest } from './digest.js';

/** distribution-spec, "Pushing Manifests": a registry should take no larger ones. */
export const MOST_MANIFEST_BYTES = 4 * 1024 * 1024;

export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';

/** How a layer's bytes are packed. */
export type Compression = 'none' | 'gzip' | 'zstd';

const LAYER_TYPES: Readonly<Record<string, Compression>> = {
  [OCI_LAYER]: 'none',
  [`${OCI_LAYER}+gzip`]: 'gzip',
  [`${OCI_LAYER}+zstd`]: 'zstd',
  [DOCKER_LAYER]: 'none',
  [`${DOCKER_LAYER}.gzip`]: 'gzip',
  [`${DOCKER_LAYER}.zstd`]: 'zstd',
};

/** Undefined: the media type is none of a layer that can be unpacked here (a foreign one, or no layer at all). */
export function compressionOf(mediaType: string): Compression | undefined {
  return Object.hasOwn(LAYER_TYPES, mediaType) ? LAYER_TYPES[mediaType] : undefined;
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** What a manifest may name without being refused as a whole; an image of more layers cannot be mounted anyway. */
const MOST_LAYERS = 1000;
const MOST_MANIFESTS = 10_000;

const Annotations = v.record(v.string(), v.string());
const PlatformSchema = v.looseObject({
  architecture: v.string(),
  os: v.string(),
  variant: v.exactOptional(v.string()),
  'os.version': v.exactOptional(v.string()),
  'os.features': v.exactOptional(v.array(v.string())),
});
const DescriptorSchema = v.looseObject({
  mediaType: v.string(),
  digest: v.custom<Digest>((digest) => typeof digest === 'string' && isDigest(digest), 'is no sha256 or sha512 digest'),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  annotations: v.exactOptional(Annotations),
  platform: v.exactOptional(PlatformSchema),
  urls: v.exactOptional(v.array(v.string())),
  data: v.exactOptional(v.string()),
  artifactType: v.exactOptional(v.string()),
});
const Manifest = v.looseObject({
  schemaVersion: v.literal(2, 'is not 2'),
  mediaType: v.exactOptional(v.string()),
  artifactType: v.exactOptional(v.string()),
  config: DescriptorSchema,
  layers: v.pipe(v.array(DescriptorSchema), v.maxLength(MOST_LAYERS)),
  annotations: v.exactOptional(Annotations),
});
const Index = v.looseObject({
  schemaVersion: v.literal(2, 'is not 2'),
  mediaType: v.exactOptional(v.string()),
  manifests: v.pipe(v.array(DescriptorSchema), v.maxLength(MOST_MANIFESTS)),
  annotations: v.exactOptional(Annotations),
});

export interface ImageManifest {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  config: Descriptor;
  /** The lowest first. */
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

export interface ImageIndex {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Descriptor[];
  annotations?: Record<string, string>;
}

/** Error (`operation`): `bytes` are no manifest of an image. `name` says where they are from. */
export function parseManifest(bytes: Uint8Array, name: string): ImageManifest {
  return parseJsonAs(bytes, Manifest, `the manifest ${name}`) as ImageManifest;
}

export function parseIndex(bytes: Uint8Array, name: string): ImageIndex {
  return parseJsonAs(bytes, Index, `the index ${name}`) as ImageIndex;
}

/** Error (`operation`): `what` is no JSON, or has another shape; the message says where. */
export function parseJsonAs<T>(bytes: Uint8Array, schema: v.GenericSchema<unknown, T>, what: string): T {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new VlabError('operation', `${what} is not JSON`);
  }
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue) ?? 'the whole';
  throw new VlabError('operation', `${what} has another shape than it should: ${where}: ${issue.message}`);
}

/** The JSON values by which OCI images name their parts (image-spec descriptor.md and image-index.md); names are the specification's. */

export type Digest = `${'sha256' | 'sha512'}:${string}`;

export interface Platform {
  architecture: string;
  os: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
}

export interface Descriptor {
  mediaType: string;
  digest: Digest;
  /** Bytes. */
  size: number;
  annotations?: Record<string, string>;
  platform?: Platform;
  urls?: string[];
  /** The content itself, base64. */
  data?: string;
  artifactType?: string;
}

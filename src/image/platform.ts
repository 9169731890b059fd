/** Which of the manifests of an index is for whom (image-spec image-index.md; containerd's platforms). */
import { arch } from 'node:os';
import { VlabError } from '../base/errors.js';
import type { Descriptor, Platform } from './descriptor.js';

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
  i386: '386',
  i686: '386',
  ia32: '386',
};
/** What an architecture is of where nothing is said. */
const VARIANTS: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7', amd64: 'v1' };
/** Docker marks attestations so in indexes: they are no images. */
const ATTESTATION = 'vnd.docker.reference.type';

export function hostPlatform(): Platform {
  return { os: 'linux', architecture: goArchitecture(arch()) };
}

/** Go's name, which images use, of an architecture by another name. */
function goArchitecture(name: string): string {
  return Object.hasOwn(ARCHITECTURES, name) ? (ARCHITECTURES[name] ?? name) : name;
}

/** `linux/arm64/v8`, `linux/amd64`, or an architecture alone. Error (`input`): it is none of them. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    throw new VlabError('input', `this is no platform: ${JSON.stringify(text)}`, {
      hint: 'as linux/arm64 or linux/arm/v7',
    });
  }
  const [os, architecture, variant] = parts.length === 1 ? ['linux', parts[0]] : parts;
  if (os === undefined || architecture === undefined) throw new Error('split gives at least one part');
  return { os, architecture: goArchitecture(architecture), ...(variant !== undefined && { variant }) };
}

/** As people write it: `linux/arm64/v8`. */
export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}

/** Whether what is made for `offered` runs on `wanted`; a variant that is not said is the usual one. */
export function fits(offered: Platform, wanted: Platform): boolean {
  const architecture = goArchitecture(offered.architecture);
  if (offered.os !== wanted.os || architecture !== wanted.architecture) return false;
  if (wanted.variant === undefined && offered.variant === undefined) return true;
  const usual = VARIANTS[architecture];
  const have = variantNumber(offered.variant ?? usual);
  const want = variantNumber(wanted.variant ?? usual);
  // a processor of variant v8 runs what was made for v6, not the other way round
  return have === undefined || want === undefined ? offered.variant === wanted.variant : have <= want;
}

function variantNumber(variant: string | undefined): number | undefined {
  const digits = /^v(\d+)$/.exec(variant ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The manifest for `wanted`, the one of the highest variant that fits first. Undefined: there is none. */
export function chooseManifest(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const images = manifests.filter(({ annotations }) => !annotations?.[ATTESTATION]);
  const fitting = images.filter(({ platform }) => platform && fits(platform, wanted));
  const rank = ({ platform }: Descriptor) =>
    variantNumber(platform?.variant ?? VARIANTS[platform?.architecture ?? '']) ?? 0;
  const best = fitting.sort((one, other) => rank(other) - rank(one))[0];
  // an index that says nothing of platforms, of one image
  return best ?? (images.length === 1 && images[0]?.platform === undefined ? images[0] : undefined);
}

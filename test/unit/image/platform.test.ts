import { expect, it } from 'vitest';
import type { Descriptor, Platform } from '../../../src/image/descriptor.js';
import { chooseManifest, fits, parsePlatform, platformName } from '../../../src/image/platform.js';

const of = (platform: string | undefined, more: Partial<Descriptor> = {}): Descriptor => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'0'.repeat(64)}`,
  size: 1,
  ...(platform !== undefined && { platform: parsePlatform(platform) }),
  ...more,
});
const chosen = (manifests: Descriptor[], wanted: string): string | undefined => {
  const found = chooseManifest(manifests, parsePlatform(wanted))?.platform;
  return found && platformName(found);
};

it.each([
  ['linux/amd64', { os: 'linux', architecture: 'amd64' }],
  ['x86_64', { os: 'linux', architecture: 'amd64' }],
  ['linux/aarch64', { os: 'linux', architecture: 'arm64' }],
  ['linux/arm/v7', { os: 'linux', architecture: 'arm', variant: 'v7' }],
] as [string, Platform][])('%s is read', (text, platform) => expect(parsePlatform(text)).toEqual(platform));

it.each(['', 'linux/', 'a/b/c/d', 'linux/am d64'])('%j is no platform', (text) => {
  expect(() => parsePlatform(text)).toThrow('no platform');
});

it.each([
  ['linux/arm64', 'linux/arm64/v8', true],
  ['linux/arm64/v8', 'linux/arm64', true],
  ['linux/arm/v6', 'linux/arm/v7', true],
  ['linux/arm/v7', 'linux/arm/v6', false],
  ['linux/amd64', 'linux/arm64', false],
  ['windows/amd64', 'linux/amd64', false],
  ['linux/amd64/v3', 'linux/amd64', false],
])('what is made for %s on %s: %s', (offered, wanted, expected) => {
  expect(fits(parsePlatform(offered), parsePlatform(wanted))).toBe(expected);
});

it('the highest variant that fits is chosen, and an attestation never', () => {
  const arms = ['linux/amd64', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm64/v8'].map((name) =>
    of(name),
  );
  expect(chosen(arms, 'linux/arm/v6')).toBe('linux/arm/v6');
  expect(chosen(arms, 'arm')).toBe('linux/arm/v7');
  expect(chosen(arms, 'arm64')).toBe('linux/arm64/v8');
  expect(chosen(arms, 'riscv64')).toBeUndefined();
  const attestation = of('linux/amd64', { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } });
  expect(chooseManifest([attestation], parsePlatform('amd64'))).toBeUndefined();
  const lone = of(undefined);
  expect(chooseManifest([attestation, lone], parsePlatform('amd64'))).toBe(lone);
});

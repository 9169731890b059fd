import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import { placesFor, rulesOf } from '../../../../src/image/registry/registries-conf.js';

const rules = rulesOf(
  parse(`
    unqualified-search-registries = ["example.com"]
    [[registry]]
    location = "docker.io"
    [[registry.mirror]]
    location = "mirror.local:5000/hub"
    insecure = true
    [[registry.mirror]]
    location = "digests.local"
    pull-from-mirror = "digest-only"
    [[registry]]
    prefix = "docker.io/library"
    location = "internal.example/official"
    [[registry]]
    prefix = "*.example.org"
    insecure = true
    [[registry]]
    prefix = "bad.example"
    blocked = true
  `),
  'registries.conf',
);
const places = (host: string, path: string, isDigest = false) =>
  placesFor(rules, { host, path, isDigest }).map(
    (place) => `${place.host}/${place.path}${place.isInsecure ? ' !' : ''}`,
  );

it('mirrors come first, and one that is for digests alone only with a digest', () => {
  expect(places('docker.io', 'team/app')).toEqual(['mirror.local:5000/hub/team/app !', 'docker.io/team/app']);
  expect(places('docker.io', 'team/app', true)).toEqual([
    'mirror.local:5000/hub/team/app !',
    'digests.local/team/app',
    'docker.io/team/app',
  ]);
});

it('the longest prefix decides, whole parts of a name only', () => {
  expect(places('docker.io', 'library/busybox')).toEqual(['internal.example/official/busybox']);
  expect(places('docker.io', 'library2/busybox')[1]).toBe('docker.io/library2/busybox');
  expect(places('a.example.org:80', 'x')).toEqual(['a.example.org:80/x !']);
  expect(places('example.org', 'x')).toEqual(['example.org/x']);
  expect(places('elsewhere.example', 'x/y')).toEqual(['elsewhere.example/x/y']);
  expect(() => places('bad.example', 'x')).toThrow('blocks bad.example');
});

it('a file of another shape is refused with the place', () => {
  expect(() => rulesOf({ registry: [{ insecure: 'yes' }] }, 'x.conf')).toThrow(
    'x.conf is no file of registries: registry.0.insecure',
  );
});

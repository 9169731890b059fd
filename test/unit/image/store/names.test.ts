import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Descriptor, Digest } from '../../../../src/image/descriptor.js';
import type { ImageIndex } from '../../../../src/image/manifest.js';
import { parseReference } from '../../../../src/image/reference.js';
import {
  CONTAINERD_NAME,
  entryFor,
  entryOf,
  nameOf,
  namesOf,
  REF_NAME,
  repoDigestsOf,
  withEntry,
  withoutName,
  withoutRepoDigest,
} from '../../../../src/image/store/names.js';

const EMPTY: ImageIndex = { schemaVersion: 2, manifests: [] };
const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const entry = (digit: string): Descriptor =>
  entryFor({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digest(digit), size: 1 }, digest(digit));
const named = (index: ImageIndex, digit: string, name: string) =>
  withEntry(index, entry(digit), { reference: parseReference(name) });

it('a name that moves leaves its image without one, and skopeo and docker find the name whole', () => {
  const moved = named(named(EMPTY, 'a', 'app'), 'b', 'app:latest');
  expect(moved.manifests.map((one) => [one.digest, nameOf(one)])).toEqual([
    [digest('a'), undefined],
    [digest('b'), 'docker.io/library/app:latest'],
  ]);
  expect(moved.manifests[1]?.annotations).toMatchObject({
    [REF_NAME]: 'docker.io/library/app:latest',
    [CONTAINERD_NAME]: 'docker.io/library/app:latest',
  });
});

it('an image with two names loses one, then the other, and stays', () => {
  const two = named(named(EMPTY, 'a', 'one'), 'a', 'two');
  expect(two.manifests).toHaveLength(2);
  expect(namesOf(two.manifests).references).toEqual(['docker.io/library/one:latest', 'docker.io/library/two:latest']);
  const one = withoutName(two, 'docker.io/library/one:latest');
  expect(one.manifests.map(nameOf)).toEqual(['docker.io/library/two:latest']);
  expect(withoutName(one, 'docker.io/library/two:latest').manifests.map(nameOf)).toEqual([undefined]);
});

it('an image that comes again packed otherwise is there once', () => {
  const again = entryFor({ ...entry('b'), size: 2 }, digest('a'));
  const index = withEntry(named(EMPTY, 'a', 'app'), again, { reference: parseReference('app') });
  expect(index.manifests.map((one) => [one.digest, nameOf(one)])).toEqual([
    [digest('b'), 'docker.io/library/app:latest'],
  ]);
  const two = withEntry(named(EMPTY, 'a', 'app'), again, { reference: parseReference('other') });
  expect(two.manifests.map((one) => one.digest)).toEqual([digest('a'), digest('b')]);
});

it('is found by its tag, its own digest, and what registries call it', () => {
  const repoDigest = `docker.io/library/app@${digest('f')}`;
  const index = withEntry(named(EMPTY, 'a', 'app:v1'), entry('a'), { repoDigest });
  for (const text of ['app:v1', `app@${digest('a')}`, `app@${digest('f')}`, `app:other@${digest('f')}`]) {
    expect(entryOf(index, parseReference(text))?.digest).toBe(digest('a'));
  }
  for (const text of ['app', 'other:v1', `other@${digest('a')}`, `app@${digest('b')}`]) {
    expect(entryOf(index, parseReference(text))).toBeUndefined();
  }
});

it('a digest that registries know can be taken away, and the names stay', () => {
  const repoDigest = `docker.io/library/app@${digest('f')}`;
  const index = withEntry(named(EMPTY, 'a', 'app:v1'), entry('a'), { repoDigest });
  const { manifests } = withoutRepoDigest(index, repoDigest);
  expect(namesOf(manifests)).toEqual({ references: ['docker.io/library/app:v1'], repoDigests: [] });
});

it("another tool's short name is completed, and one that nobody can ask for is none", () => {
  const of = (name: string) => nameOf({ ...entry('a'), annotations: { [REF_NAME]: name } });
  expect(of('app')).toBe('docker.io/library/app:latest');
  expect(of('App \u001b[31m')).toBeUndefined();
});

it('whatever is named and unnamed, a name leads to the image that had it last, and no image and no digest is lost', () => {
  const step = fc.record({
    digit: fc.constantFrom('a', 'b', 'c'),
    name: fc.constantFrom('one', 'two', undefined),
    repoDigest: fc.constantFrom('x@1', undefined),
    isUntag: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let index = EMPTY;
      const names = new Map<string, string>();
      const digits = new Set<string>();
      const digests = new Set<string>();
      for (const { digit, name, repoDigest, isUntag } of steps) {
        if (isUntag && name !== undefined) {
          index = withoutName(index, `docker.io/library/${name}:latest`);
          names.delete(name);
          continue;
        }
        index = withEntry(index, entry(digit), { reference: name && parseReference(name), repoDigest } as object);
        digits.add(digit);
        if (name !== undefined) names.set(name, digit);
        if (repoDigest !== undefined) digests.add(digit);
      }
      for (const name of ['one', 'two']) {
        const digit = names.get(name);
        expect(entryOf(index, parseReference(name))?.digest).toBe(digit && digest(digit));
      }
      expect(new Set(index.manifests.map((one) => one.digest))).toEqual(new Set([...digits].map(digest)));
      for (const one of index.manifests) {
        const isKnown = digests.has(one.digest.at(-1) ?? '');
        expect(repoDigestsOf(one)).toEqual(isKnown ? ['x@1'] : []);
      }
      const nameless = index.manifests.filter((one) => nameOf(one) === undefined).map((one) => one.digest);
      expect(new Set(nameless).size).toBe(nameless.length);
    }),
  );
});

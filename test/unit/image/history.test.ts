import { expect, it } from 'vitest';
import { chainIds, parseImageConfig } from '../../../src/image/config.js';
import type { Digest } from '../../../src/image/descriptor.js';
import { historyOf } from '../../../src/image/history.js';
import { imageDocument } from '../../../src/image/image-document.js';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../../../src/image/manifest.js';
import type { Image } from '../../../src/image/store/image.js';

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const diffIds = [digest('1'), digest('2')];
const descriptors = [10, 20].map((size, at) => ({ mediaType: OCI_LAYER, digest: digest(`${at + 3}`), size }));

function imageOf(config: object): Image {
  const bytes = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...config,
  });
  const descriptor = { mediaType: OCI_MANIFEST, digest: digest('a'), size: 5 };
  return {
    id: digest('b'),
    manifestDigest: descriptor.digest,
    descriptor,
    manifest: {
      schemaVersion: 2,
      config: { mediaType: OCI_CONFIG, digest: digest('b'), size: 1 },
      layers: descriptors,
    },
    config: parseImageConfig(Buffer.from(bytes), 'x'),
    references: ['docker.io/library/app:v1', 'ghcr.io/team/app:v1'],
    repoDigests: [`docker.io/library/app@${digest('c')}`],
    layers: descriptors.map((layer, at) => ({
      descriptor: layer,
      diffId: diffIds[at] ?? digest('0'),
      chainId: chainIds(diffIds)[at] ?? digest('0'),
    })),
    createdAt: '2024-01-01T00:00:00Z',
    sizeBytes: 36,
  };
}

it('steps with layers get their sizes, the last step is the image, and comes first', () => {
  const history = [
    { created_by: 'ADD' },
    { created_by: 'ENV', empty_layer: true },
    { created_by: 'RUN', comment: 'c' },
  ];
  const rows = historyOf(imageOf({ history }));
  expect(rows.map(({ id, createdBy, sizeBytes }) => [id, createdBy, sizeBytes])).toEqual([
    [digest('b'), 'RUN', 20],
    [undefined, 'ENV', 0],
    [undefined, 'ADD', 10],
  ]);
});

it('layers that no step is known of are there all the same', () => {
  expect(historyOf(imageOf({ history: [{ created_by: 'ADD' }] })).map(({ sizeBytes }) => sizeBytes)).toEqual([20, 10]);
  expect(historyOf(imageOf({}))).toHaveLength(2);
});

it("docker's document has what scripts read", () => {
  const document = imageDocument(imageOf({ config: { Cmd: ['/x'], Env: null, Labels: { a: 'b' } }, author: 'me' }));
  expect(document).toMatchObject({
    Id: digest('b'),
    RepoTags: ['app:v1', 'ghcr.io/team/app:v1'],
    RepoDigests: [`app@${digest('c')}`],
    Author: 'me',
    Os: 'linux',
    Architecture: 'amd64',
    Config: { Cmd: ['/x'], Env: null, Entrypoint: null, Labels: { a: 'b' }, WorkingDir: '' },
    RootFS: { Type: 'layers', Layers: diffIds },
  });
});

it('what is null in a configuration is not there, and what is of another kind is refused', () => {
  const config = imageOf({ config: { Cmd: null, Volumes: null, Env: ['A=1'] }, history: null }).config;
  expect([config.config, config.history]).toEqual([{ Env: ['A=1'] }, undefined]);
  expect(() => imageOf({ config: { Cmd: '/x' } })).toThrow('config.Cmd');
  expect(() => imageOf({ rootfs: { type: 'layers', diff_ids: ['sha256:x'] } })).toThrow('rootfs.diff_ids');
});

/** `vlab pull` and `push` with a registry as others have it. Needs: the built dist/. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { mustRun } from '../../../src/base/exec.js';
import { findProgram } from '../../../src/base/find-program.js';
import { digestOf } from '../../../src/image/digest.js';
import { OCI_INDEX } from '../../../src/image/manifest.js';
import { pushBlob, pushManifest } from '../../../src/image/registry/push.js';
import type { ImageStore } from '../../../src/image/store/image-store.js';
import { needs } from '../../skips.js';
import { opener } from './fault-registry.js';
import { isRealRegistryThere, PASSWORD, RealRegistry } from './real-registry.js';
import { addImage, blobsOf, OwnData } from './small-images.js';
import { mustVlab, vlab } from './vlab-images.js';

let registry: RealRegistry;
let data: OwnData;
let store: ImageStore;
let flags: string[];

beforeAll(async () => {
  if (isRealRegistryThere) registry = await RealRegistry.start();
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});
beforeEach(async (context) => {
  needs(context, 'docker-registry', isRealRegistryThere);
  data = new OwnData();
  store = await data.store();
  mkdirSync(join(data.folder, 'certificates'));
  copyFileSync(join(registry.folder, 'certificate.pem'), join(data.folder, 'certificates/ca.crt'));
  const auth = Buffer.from(`${PASSWORD.username}:${PASSWORD.password}`).toString('base64');
  writeFileSync(join(data.folder, 'auth.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  flags = ['--cert-dir', 'certificates', '--authfile', 'auth.json'];
});
afterEach(() => data?.[Symbol.dispose]());

const skopeo = async (...words: string[]) => (await mustRun('skopeo', words)).stdout;
const credentials = () => [
  `${PASSWORD.username}:${PASSWORD.password}`,
  '--cert-dir',
  join(data.folder, 'certificates'),
];
const blobFiles = () => readdirSync(join(data.images, 'blobs/sha256'));

it('an image that was pushed is in the registry by its digest, and comes back; a second repository gets it for nothing', async () => {
  const image = await addImage(store, `${registry.host}/team/app:v1`, { layers: [{ a: '1' }, { b: '2' }] });
  const name = `${registry.host}/team/app:v1`;
  const layerLines = image.layers.map(({ descriptor }) => descriptor.digest.slice(7, 19));
  const pushed = mustVlab(data, ['push', ...flags, name])
    .trim()
    .split('\n');
  expect(pushed[0]).toBe(`The push refers to repository [${registry.host}/team/app]`);
  expect(pushed.filter((line) => line.endsWith(': Pushed')).sort()).toEqual(
    layerLines.map((id) => `${id}: Pushed`).sort(),
  );
  expect(pushed.at(-1)).toBe(`v1: digest: ${image.manifestDigest} size: ${image.descriptor.size}`);
  expect((await store.get(name)).repoDigests).toEqual([`${registry.host}/team/app@${image.manifestDigest}`]);
  mustVlab(data, ['tag', name, `${registry.host}/other/app`]);
  const mounted = mustVlab(data, ['push', ...flags, `${registry.host}/other/app`]);
  for (const id of layerLines) expect(mounted).toContain(`${id}: Mounted from another repository`);
  mustVlab(data, ['rmi', '-f', image.id]);
  expect(blobFiles()).toEqual([]);
  const pulled = mustVlab(data, ['pull', ...flags, name])
    .trim()
    .split('\n');
  expect(pulled[0]).toBe(`v1: Pulling from ${registry.host}/team/app`);
  for (const id of layerLines) expect(pulled).toContain(`${id}: Pull complete`);
  expect(pulled.slice(-3)).toEqual([
    `Digest: ${image.manifestDigest}`,
    `Status: Downloaded newer image for ${name}`,
    name,
  ]);
  expect((await store.get(name)).manifestDigest).toBe(image.manifestDigest);
  const again = mustVlab(data, ['pull', ...flags, name]);
  expect(again).toContain(`${layerLines[0]}: Already exists\n`);
  expect(again).toContain(`Status: Image is up to date for ${name}\n`);
  expect(mustVlab(data, ['pull', '-q', ...flags, name])).toBe(`${name}\n`);
  mustVlab(data, ['rmi', name]);
  mustVlab(data, ['pull', '-q', ...flags, `${registry.host}/team/app@${image.manifestDigest}`]);
  expect(mustVlab(data, ['images', '--digests', '--format', '{{.Repository}} {{.Tag}} {{.Digest}}'])).toBe(
    `${registry.host}/team/app <none> ${image.manifestDigest}\n`,
  );
  mustVlab(data, ['pull', '-qa', ...flags, `${registry.host}/team/app`]);
  expect((await store.get(name)).references).toEqual([name]);
});

it('nobody comes in without a login, and what is not there is told in words that people know', async () => {
  const name = `${registry.host}/team/nothing`;
  const stranger = vlab(data, ['pull', '--cert-dir', 'certificates', name], { REGISTRY_AUTH_FILE: '/dev/null/none' });
  expect(stranger.stderr).toContain(`pull access denied for ${registry.host}/team/nothing`);
  expect(vlab(data, ['pull', ...flags, name]).stderr).toContain(`manifest for ${name}:latest not found`);
  expect(vlab(data, ['pull', '--authfile', 'auth.json', name]).stderr).toMatch(/self-signed certificate/);
  expect(vlab(data, ['pull', '--no-tls-verify', '--authfile', 'auth.json', name]).stderr).toContain('not found');
});

it("of an index this machine's image comes, or the one that is asked for", async () => {
  await using repository = registry.repository('team/many');
  const manifests = [];
  for (const architecture of ['amd64', 'arm64', 's390x']) {
    const { manifest, blobs } = await blobsOf({ layers: [{ [architecture]: 'x' }], config: { architecture } });
    for (const { descriptor, bytes } of blobs.slice(0, -1)) await pushBlob(repository, descriptor, opener(bytes));
    const bytes = blobs.at(-1)?.bytes ?? Buffer.alloc(0);
    await pushManifest(repository, manifest.digest, { mediaType: manifest.mediaType, bytes });
    manifests.push({ ...manifest, platform: { os: 'linux', architecture } });
  }
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  await pushManifest(repository, 'v1', { mediaType: OCI_INDEX, bytes: index });
  const name = `${registry.host}/team/many:v1`;
  const own = process.arch === 'arm64' ? 'arm64' : 'amd64';
  expect(mustVlab(data, ['pull', ...flags, name])).toContain(`Digest: ${digestOf(index)}\n`);
  expect((await store.get(name)).config.architecture).toBe(own);
  expect((await store.get(`${registry.host}/team/many@${digestOf(index)}`)).config.architecture).toBe(own);
  mustVlab(data, ['pull', '-q', '--platform', 'linux/s390x', ...flags, name]);
  expect((await store.get(name)).config.architecture).toBe('s390x');
  const none = vlab(data, ['pull', '--platform', 'linux/riscv64', ...flags, name]);
  expect(none.stderr).toContain(`no matching manifest for linux/riscv64 in ${name}`);
  expect(none.stderr).toContain('linux/amd64, linux/arm64, linux/s390x');
});

it('skopeo copies what vlab pushed, vlab pulls what skopeo pushed, as OCI and as docker has it', async (context) => {
  needs(context, 'skopeo', findProgram('skopeo') !== undefined);
  const image = await addImage(store, `${registry.host}/team/mine`, { layers: [{ a: '1' }, { b: '2' }] });
  mustVlab(data, ['push', '-q', ...flags, `${registry.host}/team/mine`]);
  const [user = '', ...more] = credentials();
  const inspected = JSON.parse(
    await skopeo('inspect', '--creds', user, ...more, `docker://${registry.host}/team/mine`),
  );
  expect(inspected.Digest).toBe(image.manifestDigest);
  const to = ['--insecure-policy', '-q', '--dest-creds', user, '--dest-cert-dir', join(data.folder, 'certificates')];
  for (const format of ['oci', 'v2s2']) {
    const name = `${registry.host}/team/theirs-${format}:v1`;
    await skopeo(
      'copy',
      ...to,
      '-f',
      format,
      `oci:${data.images}:${registry.host}/team/mine:latest`,
      `docker://${name}`,
    );
    mustVlab(data, ['pull', '-q', ...flags, name]);
    const pulled = await store.get(name);
    expect(pulled.layers.map(({ chainId }) => chainId)).toEqual(image.layers.map(({ chainId }) => chainId));
    mustVlab(data, ['push', '-q', ...flags, name]);
    const after = JSON.parse(await skopeo('inspect', '--creds', user, ...more, `docker://${name}`));
    expect(after.Digest).toBe(pulled.manifestDigest);
    for (const archive of ['docker-archive', 'oci-archive']) {
      const file = join(data.folder, `${format}-${archive}.tar`);
      mustVlab(data, ['save', '--format', archive, '-o', file, name]);
      const copied = join(data.folder, `${format}-${archive}`);
      await skopeo('copy', '--insecure-policy', '-q', `${archive}:${file}`, `oci:${copied}:x`);
      const { Layers } = JSON.parse(await skopeo('inspect', `oci:${copied}:x`));
      expect(Layers).toHaveLength(image.layers.length);
    }
  }
  expect(await store.verify()).toEqual([]);
});

it('an image comes by a mirror, and from the registry itself where the mirror has none', async () => {
  const image = await addImage(store, `${registry.host}/mirror/app`, { layers: [{ a: '1' }] });
  mustVlab(data, ['push', '-q', ...flags, `${registry.host}/mirror/app`]);
  mustVlab(data, ['rmi', '-f', image.id]);
  const conf = `
    [[registry]]
    prefix = "somewhere.invalid/app"
    location = "${registry.host}/mirror"
    [[registry.mirror]]
    location = "${registry.host}/nothing"
    [[registry]]
    location = "blocked.invalid"
    blocked = true`;
  writeFileSync(join(data.folder, 'registries.conf'), conf);
  const env = { CONTAINERS_REGISTRIES_CONF: join(data.folder, 'registries.conf') };
  mustVlab(data, ['pull', '-q', ...flags, 'somewhere.invalid/app/app'], env);
  expect((await store.get('somewhere.invalid/app/app')).id).toBe(image.id);
  expect(vlab(data, ['pull', ...flags, 'blocked.invalid/x'], env).stderr).toContain(
    'registries.conf blocks blocked.invalid',
  );
  expect(existsSync(join(data.images, 'index.json'))).toBe(true);
});

it('a login is checked, kept where others find it, and forgotten', async () => {
  const env = { DOCKER_CONFIG: join(data.folder, 'docker'), REGISTRY_AUTH_FILE: '' };
  const login = ['login', '--cert-dir', 'certificates', '-u', PASSWORD.username, '--password-stdin', registry.host];
  const wrong = vlab(data, login, env, Buffer.from('wrong\n'));
  expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('incorrect username or password')]);
  expect(existsSync(join(data.folder, 'docker/config.json'))).toBe(false);
  mkdirSync(join(data.folder, 'docker'));
  writeFileSync(join(data.folder, 'docker/config.json'), '{"psFormat":"kept"}');
  expect(mustVlab(data, login, env, Buffer.from(`${PASSWORD.password}\n`))).toBe('Login Succeeded\n');
  const file = join(data.folder, 'docker/config.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    psFormat: 'kept',
    auths: { [registry.host]: { auth: Buffer.from('me:secret').toString('base64') } },
  });
  const nothing = vlab(data, ['pull', '--cert-dir', 'certificates', `${registry.host}/team/none`], env);
  expect(nothing.stderr).toContain('not found');
  expect(mustVlab(data, ['logout', registry.host], env)).toBe(`Removing login credentials for ${registry.host}\n`);
  expect(mustVlab(data, ['logout', registry.host], env)).toBe(`Not logged in to ${registry.host}\n`);
});

it('a login is kept by the helper that the file names', () => {
  const helper = join(data.folder, 'docker-credential-test');
  writeFileSync(helper, `#!/bin/sh\ncat > "${data.folder}/asked-$1"\n`, { mode: 0o755 });
  const auth = join(data.folder, 'helper.json');
  writeFileSync(auth, JSON.stringify({ credHelpers: { [registry.host]: 'test' } }));
  const env = { PATH: `${data.folder}:${process.env.PATH}`, REGISTRY_AUTH_FILE: auth };
  const login = ['login', '--cert-dir', 'certificates', '-u', PASSWORD.username, '--password-stdin', registry.host];
  mustVlab(data, login, env, Buffer.from(PASSWORD.password));
  expect(JSON.parse(readFileSync(join(data.folder, 'asked-store'), 'utf8'))).toEqual({
    ServerURL: registry.host,
    Username: 'me',
    Secret: 'secret',
  });
  mustVlab(data, ['logout', registry.host], env);
  expect(readFileSync(join(data.folder, 'asked-erase'), 'utf8')).toBe(registry.host);
});

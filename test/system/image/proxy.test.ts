/** Registries behind a proxy, and what must not go through one. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { pullImage } from '../../../src/image/pull-image.js';
import { pushImage } from '../../../src/image/push-image.js';
import type { ImageStore } from '../../../src/image/store/image-store.js';
import { needs } from '../../skips.js';
import { fastRetry } from './fault-registry.js';
import { isRealRegistryThere, PASSWORD, RealRegistry } from './real-registry.js';
import { addImage, OwnData } from './small-images.js';

/** A name that nobody can resolve: only the proxy knows where it is. */
const FAR = 'registry.invalid:5443';
const NAMES = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy'];
const before = Object.fromEntries(NAMES.map((name) => [name, process.env[name]]));
let registry: RealRegistry;
let proxy: Server;
let tunnels: string[];
let data: OwnData;
let store: ImageStore;

beforeAll(async () => {
  if (!isRealRegistryThere) return;
  registry = await RealRegistry.start();
  const port = Number(registry.host.split(':')[1]);
  proxy = createServer();
  proxy.on('connect', ({ url = '' }, socket) => {
    tunnels.push(url);
    const there = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      there.pipe(socket).pipe(there);
    });
    for (const end of [there, socket]) end.on('error', () => end.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  proxy?.closeAllConnections();
  proxy?.close();
});
beforeEach(async (context) => {
  needs(context, 'docker-registry', isRealRegistryThere);
  data = new OwnData();
  store = await data.store();
  tunnels = [];
  for (const name of NAMES) delete process.env[name];
  process.env.HTTPS_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
afterEach(() => {
  data?.[Symbol.dispose]();
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

const access = {
  retry: { ...fastRetry, attempts: 1 },
  find: async () => PASSWORD,
  tlsVerify: false,
  env: { CONTAINERS_REGISTRIES_CONF: '/dev/null' },
};

it('an image goes to and comes from a registry that only the proxy reaches', async () => {
  const image = await addImage(store, `${FAR}/app`, { layers: [{ a: '1' }] });
  await pushImage(`${FAR}/app`, { store, access });
  await store.remove(image);
  await store.collectGarbage();
  expect((await pullImage(`${FAR}/app`, { store, access })).image.id).toBe(image.id);
  expect(new Set(tunnels)).toEqual(new Set([FAR]));
});

it('what is on this machine, or named by NO_PROXY, is reached without it', async () => {
  await addImage(store, `${registry.host}/app`, { layers: [{ a: '1' }] });
  await pushImage(`${registry.host}/app`, { store, access });
  process.env.NO_PROXY = 'elsewhere,.invalid';
  await expect(pullImage(`${FAR}/app`, { store, access })).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
  expect(tunnels).toEqual([]);
});

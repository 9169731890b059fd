/** Whom a registry can make the client talk to, and what it gets to see there. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Credentials } from '../../../src/image/registry/auth-file.js';
import { credentialsFrom } from '../../../src/image/registry/credentials.js';
import { endpointOf } from '../../../src/image/registry/endpoint.js';
import { pullBlob, pullManifest } from '../../../src/image/registry/pull.js';
import { Repository } from '../../../src/image/registry/repository.js';
import { FaultRegistry, fastRetry, MemoryTarget } from './fault-registry.js';

const PASSWORD: Credentials = { kind: 'password', username: 'me', password: 'secret' };
const BASIC = `Basic ${Buffer.from('me:secret').toString('base64')}`;
let server: FaultRegistry;
let other: FaultRegistry;

beforeEach(async () => {
  [server, other] = [await FaultRegistry.start(), await FaultRegistry.start()];
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

/** The registry wants `wanted` as Authorization, and otherwise answers 401 with `challenge`. */
function wants(wanted: string, challenge: string): void {
  server.fault = ({ path, headers }, response) => {
    if (path.startsWith('/token') || headers.authorization === wanted) return false;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  };
}

it('basic: nothing is shown until it is asked for, then with every request', async () => {
  const blob = server.addBlob(Buffer.from('x'));
  wants(BASIC, 'Basic realm="here"');
  await using from = server.repository('some/image', { find: async () => PASSWORD });
  await pullBlob(from, blob, new MemoryTarget(blob));
  await pullBlob(from, blob, new MemoryTarget(blob));
  expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, BASIC, BASIC]);
});

it('a token is got once for those who ask at once, kept while it holds, and got anew when refused', async () => {
  const blob = server.addBlob(Buffer.from('x'));
  let tokens = 0;
  other.fault = (_, response) => {
    response.end(JSON.stringify({ token: `t${++tokens}`, expires_in: 300 }));
    return true;
  };
  const challenge = `Bearer realm="http://${other.host}/token",service="reg",scope="repository:some/image:pull"`;
  wants('Bearer t1', challenge);
  await using from = server.repository('some/image', { find: async () => PASSWORD });
  const pull = () => pullBlob(from, blob, new MemoryTarget(blob));
  await Promise.all([pull(), pull(), pull()]);
  await pull();
  expect(other.asked.map(({ path }) => path)).toEqual([
    '/token?service=reg&scope=repository%3Asome%2Fimage%3Apull&account=me',
  ]);
  expect(other.asked[0]?.headers.authorization).toBe(BASIC);
  wants('Bearer t2', challenge);
  await pull();
  expect(tokens).toBe(2);
});

it('who asks for a token and is told to stop stops nobody else', async () => {
  const blob = server.addBlob(Buffer.from('x'));
  wants('Bearer t', `Bearer realm="http://${other.host}/token"`);
  const stop = new AbortController();
  other.fault = (_, response) => {
    if (other.asked.length === 1) setTimeout(() => stop.abort(new Error('stopped')), 20);
    else response.end('{"token":"t"}');
    return true;
  };
  await using from = server.repository();
  const first = pullBlob(from, blob, new MemoryTarget(blob), { signal: stop.signal });
  const expected = expect(first).rejects.toThrow('stopped');
  while (other.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  const targets = [new MemoryTarget(blob), new MemoryTarget(blob)];
  await Promise.all([expected, ...targets.map((target) => pullBlob(from, blob, target))]);
  expect([targets.map(({ whole }) => whole), other.asked.length]).toEqual([[true, true], 2]);
});

it('an identity token buys the token by POST, and is followed by the one that comes with it', async () => {
  other.fault = (_, response) => {
    response.end('{"access_token":"bought","expires_in":1,"refresh_token":"second"}');
    return true;
  };
  wants('Bearer bought', `Bearer realm="http://${other.host}/token",service="reg"`);
  const blob = server.addBlob(Buffer.from('x'));
  await using from = server.repository('some/image', { find: async () => ({ kind: 'identity', token: 'first' }) });
  await pullBlob(from, blob, new MemoryTarget(blob));
  await pullBlob(from, blob, new MemoryTarget(blob));
  const forms = other.asked.map(({ body }) => Object.fromEntries(new URLSearchParams(body.toString())));
  expect(forms).toMatchObject([
    { grant_type: 'refresh_token', refresh_token: 'first', service: 'reg', scope: 'repository:some/image:pull' },
    { refresh_token: 'second' },
  ]);
});

it('what is refused is an error that names the registry, after one more try and no more', async () => {
  wants('nobody has this', 'Basic realm="here"');
  await using from = server.repository('some/image', { find: async () => PASSWORD });
  await expect(pullManifest(from, 'latest')).rejects.toMatchObject({ status: 401, blame: 'input' });
  expect(server.asked).toHaveLength(2);
});

it('another host, to which a registry redirects, sees no credentials, and its wish for some is not met', async () => {
  const blob = other.addBlob(Buffer.from('behind a redirect'));
  const answer = server.fault;
  wants(BASIC, 'Basic realm="here"');
  const guarded = server.fault;
  server.fault = (asked, response) => {
    if (guarded(asked, response) || answer(asked, response)) return true;
    response.writeHead(307, { location: `http://${other.host}${asked.path}?signed=1` }).end();
    return true;
  };
  await using from = server.repository('some/image', { find: async () => PASSWORD });
  const target = new MemoryTarget(blob);
  await pullBlob(from, blob, target);
  expect([target.whole, other.asked.map(({ headers }) => headers.authorization)]).toEqual([true, [undefined]]);
  other.fault = (_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="give me"' }).end();
    return true;
  };
  await expect(pullBlob(from, blob, new MemoryTarget(blob))).rejects.toMatchObject({ status: 401 });
  expect(other.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
});

it.each([
  ['file:///etc/passwd', /redirects to the scheme file:/],
  ['data:text/plain,x', /redirects to the scheme data:/],
  ['http://me:secret@127.0.0.1/', /with a password in it/],
  ['http://[broken', /to no address/],
  ['/v2/again', /more than 5 times/],
])('a redirect to %s is not followed', async (location, message) => {
  server.fault = (_, response) => {
    response.writeHead(302, { location }).end();
    return true;
  };
  await using from = server.repository();
  await expect(pullManifest(from, 'latest')).rejects.toThrow(message);
});

it('the server of tokens cannot be a file either', async () => {
  wants('x', 'Bearer realm="file:///etc/passwd"');
  await using from = server.repository();
  await expect(pullManifest(from, 'latest')).rejects.toThrow(/scheme file:/);
});

it('credentials do not go over plain http to another machine', async () => {
  expect(() => endpointOf('192.0.2.1:5000', { isPlainHttp: true })).toThrow(/without TLS/);
  wants('x', 'Bearer realm="http://192.0.2.1/token"');
  await using from = server.repository('some/image', { find: async () => PASSWORD });
  await expect(pullManifest(from, 'latest')).rejects.toMatchObject({ blame: 'host' });
});

it('a credential helper is asked for its registry, and its failure is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-helper-'));
  const pathBefore = process.env.PATH;
  try {
    const helper = join(folder, 'docker-credential-vlabtest');
    writeFileSync(
      helper,
      `#!/bin/sh
read server
case "$1 $server" in
"get ${server.host}") echo '{"ServerURL":"x","Username":"me","Secret":"secret"}';;
"get broken.example") echo no idea >&2; exit 1;;
*) echo 'credentials not found in native keychain'; exit 1;;
esac
`,
    );
    chmodSync(helper, 0o755);
    process.env.PATH = `${folder}:${pathBefore}`;
    const file = join(folder, 'config.json');
    writeFileSync(file, '{"credsStore":"vlabtest"}');
    const find = credentialsFrom([join(folder, 'none.json'), file]);
    expect(await find(server.host, 'some/image')).toEqual(PASSWORD);
    expect(await find('elsewhere.example', 'some/image')).toBeUndefined();
    await expect(find('broken.example', 'a')).rejects.toThrow(
      /docker-credential-vlabtest has no answer for broken.example/,
    );
  } finally {
    process.env.PATH = pathBefore;
    rmSync(folder, { recursive: true });
  }
});

it('nobody listens: the address and the reason are told', async () => {
  const closed = await FaultRegistry.start();
  const { host } = closed;
  await closed[Symbol.asyncDispose]();
  await using from = new Repository(endpointOf(host, { isPlainHttp: true }), 'some/image', { retry: fastRetry });
  await expect(pullManifest(from, 'latest')).rejects.toThrow(
    `GET http://${host}/v2/some/image/manifests/latest failed: connect ECONNREFUSED`,
  );
});

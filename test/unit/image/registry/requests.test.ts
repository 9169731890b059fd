import { expect, it } from 'vitest';
import type { Digest } from '../../../../src/image/descriptor.js';
import { tokenRequest } from '../../../../src/image/registry/authenticator.js';
import { endpointOf, isLoopback, maySendSecrets } from '../../../../src/image/registry/endpoint.js';
import { printable, shownUrl } from '../../../../src/image/registry/registry-error.js';
import * as requests from '../../../../src/image/registry/requests.js';
import { isWorthAskingAgain, waitMs } from '../../../../src/image/registry/retry.js';
import { redirectTarget } from '../../../../src/image/registry/transport.js';

const place = { origin: 'https://reg.example', repository: 'team/app' };
const digest: Digest = `sha256:${'a'.repeat(64)}`;

it('requests go to the end points of the specification', () => {
  const blob = { mediaType: 'x', digest, size: 100 };
  expect(requests.getManifest(place, 'v1').url).toBe('https://reg.example/v2/team/app/manifests/v1');
  expect(requests.getBlob(place, blob, 10)).toMatchObject({
    headers: { range: 'bytes=10-99' },
    expected: [200, 206, 416],
  });
  expect(requests.getBlob(place, blob, 0).headers).toEqual({ 'accept-encoding': 'identity' });
  expect(requests.beginUpload(place, { digest, from: 'other/app' }).url).toBe(
    `https://reg.example/v2/team/app/blobs/uploads/?mount=sha256%3A${'a'.repeat(64)}&from=other%2Fapp`,
  );
  expect(requests.endUpload('https://up.example/x?state=a%2Fb', digest).url).toBe(
    `https://up.example/x?state=a%2Fb&digest=sha256%3A${'a'.repeat(64)}`,
  );
  expect(requests.sendChunk('https://up.example/x', Buffer.alloc(5), 10).headers['content-range']).toBe('10-14');
  expect(requests.referrersTag(`sha512:${'b'.repeat(128)}`)).toBe(`sha512-${'b'.repeat(64)}`);
});

it.each(['', 'Team/app', '../x', 'a//b', 'a/../b', 'a?b', 'a'.repeat(256)])('no repository: %s', (repository) => {
  expect(() => requests.urlOf({ ...place, repository }, 'x')).toThrow(/no repository's name/);
});

it.each(['', '..', 'a/b', 'a?b', '-x', 'a'.repeat(129), 'sha256:short'])('neither tag nor digest: %s', (reference) => {
  expect(() => requests.getManifest(place, reference)).toThrow(/neither a tag nor a digest/);
});

it('a registry is a host with a port; Docker Hub is somewhere else than it says', () => {
  expect(endpointOf('docker.io').origin).toBe('https://registry-1.docker.io');
  expect(endpointOf('[::1]:5000', { isPlainHttp: true }).origin).toBe('http://[::1]:5000');
  for (const host of ['', 'a/b', 'a@b', 'a b', 'user:pass@host', 'http://x', 'a:b']) {
    expect(() => endpointOf(host)).toThrow(/no registry's host/);
  }
  expect(['http://localhost', 'http://127.9.9.9', 'http://[::1]'].map((url) => isLoopback(new URL(url)))).toEqual(
    Array(3).fill(true),
  );
  expect(isLoopback(new URL('http://127.0.0.1.example'))).toBe(false);
  const insecure = endpointOf('reg.example', { isPlainHttp: true, isInsecure: true });
  expect(maySendSecrets(insecure, new URL('http://reg.example'))).toBe(true);
  expect(maySendSecrets(endpointOf('reg.example'), new URL('http://reg.example'))).toBe(false);
});

it('tokens are asked for by GET, or by POST with an identity token', () => {
  const realm = new URL('https://auth.example/token?x=1');
  expect(tokenRequest(realm, 's', ['a:b:pull', 'c'], undefined).url).toBe(
    'https://auth.example/token?x=1&service=s&scope=a%3Ab%3Apull&scope=c',
  );
  const post = tokenRequest(realm, 's', ['a', 'b'], { kind: 'identity', token: 't' });
  expect([post.method, Buffer.from(post.body ?? []).toString()]).toEqual([
    'POST',
    'grant_type=refresh_token&client_id=vlab&scope=a+b&refresh_token=t&service=s',
  ]);
});

it('waits grow, are partly chance, and have an end', () => {
  const rule = { attempts: 5, firstMs: 100, mostMs: 1000 };
  expect([1, 2, 3, 9].map((attempt) => waitMs(rule, attempt, null, () => 1))).toEqual([100, 200, 400, 1000]);
  expect(waitMs(rule, 2, null, () => 0)).toBe(100);
  expect(waitMs(rule, 1, ' 1 ')).toBe(1000);
  expect(waitMs(rule, 1, '86400')).toBe(1000);
  expect(waitMs({ ...rule, mostMs: 1e6 }, 1, 'Thu, 01 Jan 1970 00:01:00 GMT', () => 1, 20_000)).toBe(40_000);
  expect(waitMs(rule, 1, 'soon', () => 1)).toBe(100);
  expect([429, 503, 404, 401].map(isWorthAskingAgain)).toEqual([true, true, false, false]);
});

it('what a server says is shown without what could harm', () => {
  expect(shownUrl('https://me:secret@host:1/a/b?signature=x')).toBe('https://host:1/a/b');
  expect(printable('a\u001b]0;title\u0007\u202eb\n')).toBe('a?]0;title??b?');
  expect(printable('x'.repeat(1000))).toHaveLength(303);
});

it('redirects lead from https to https only, from http to either', () => {
  const [tls, plain] = [new URL('https://a.example/v2/x'), new URL('http://127.0.0.1/v2/x')];
  expect(redirectTarget(tls, '../y?z').href).toBe('https://a.example/y?z');
  expect(redirectTarget(tls, '//b.example/y').href).toBe('https://b.example/y');
  expect(redirectTarget(plain, 'https://b.example/').href).toBe('https://b.example/');
  expect(() => redirectTarget(tls, 'http://a.example/v2/x')).toThrow(/from https to http/);
  expect(() => redirectTarget(tls, null)).toThrow(/to no address/);
});

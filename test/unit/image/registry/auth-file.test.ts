import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lookUp, parseAuthFile } from '../../../../src/image/registry/auth-file.js';
import { authFiles } from '../../../../src/image/registry/credentials.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const file = (value: unknown) => parseAuthFile(JSON.stringify(value), '/auth.json');
const password = (username: string, secret: string) => ({
  kind: 'known',
  credentials: { kind: 'password', username, password: secret },
});

it('the longest key that leads to the repository wins', () => {
  const known = file({
    auths: {
      'reg.example:5000': { auth: base64('host:1') },
      'reg.example:5000/team': { auth: base64('team:2') },
      'reg.example:5000/team/app': { auth: base64('app:3:4') },
      'reg.example:5000/team/ap': { auth: base64('no:part of a name') },
    },
  });
  expect(lookUp(known, 'reg.example:5000', 'team/app')).toEqual(password('app', '3:4'));
  expect(lookUp(known, 'reg.example:5000', 'team/other')).toEqual(password('team', '2'));
  expect(lookUp(known, 'reg.example:5000', 'else')).toEqual(password('host', '1'));
  expect(lookUp(known, 'reg.example', 'team/app')).toBeUndefined();
});

it("docker's keys with a scheme and a version name the same registry, and Docker Hub has many names", () => {
  const known = file({
    auths: {
      'https://index.docker.io/v1/': { auth: base64('me:x') },
      'https://other.example/v2/': { auth: base64('o:y') },
    },
  });
  expect(lookUp(known, 'docker.io', 'library/busybox')).toEqual(password('me', 'x'));
  expect(lookUp(known, 'other.example', 'a')).toEqual(password('o', 'y'));
});

it("a registry's own helper comes first, the helper of all last", () => {
  const known = file({
    auths: { 'a.example': { auth: base64('a:1') }, 'b.example': { auth: base64('b:2') }, 'c.example': {} },
    credHelpers: { 'a.example': 'own' },
    credsStore: 'all',
  });
  expect(lookUp(known, 'a.example', 'x')).toEqual({ kind: 'helper', name: 'own', server: 'a.example' });
  expect(lookUp(known, 'b.example', 'x')).toEqual(password('b', '2'));
  expect(lookUp(known, 'c.example', 'x')).toEqual({ kind: 'helper', name: 'all', server: 'c.example' });
  expect(lookUp(known, 'docker.io', 'x')).toMatchObject({ server: 'https://index.docker.io/v1/' });
});

it('identity and registry tokens are told apart from passwords', () => {
  const known = file({ auths: { a: { auth: base64('x:'), identitytoken: 'i' }, b: { registrytoken: 'r' } } });
  expect(lookUp(known, 'a', 'x')).toEqual({ kind: 'known', credentials: { kind: 'identity', token: 'i' } });
  expect(lookUp(known, 'b', 'x')).toEqual({ kind: 'known', credentials: { kind: 'registry', token: 'r' } });
});

it('what is wrong is told without what is secret', () => {
  expect(() => parseAuthFile('{"auths":{"a":{"auth":"c2VjcmV0', '/auth.json')).toThrow('/auth.json is not JSON');
  expect(() => file({ auths: { a: { auth: 7 } } })).toThrow(/is not a file of credentials: auths has another shape/);
  expect(() => lookUp(file({ auths: { a: { auth: base64('secret') } } }), 'a', 'x')).toThrow(
    'the credentials of a are not the base64 of NAME:PASSWORD',
  );
  expect(() => lookUp(file({ credsStore: '../../bin/sh' }), 'a', 'x')).toThrow(/not a plain one/);
});

it('every name and password comes back, also with colons', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !text.includes(':'));
  const secret = fc.string({ unit: 'grapheme' }).filter((text) => !text.endsWith('\0'));
  fc.assert(
    fc.property(name, secret, (username, word) => {
      expect(lookUp(file({ auths: { h: { auth: base64(`${username}:${word}`) } } }), 'h', 'r')).toEqual(
        password(username, word),
      );
    }),
  );
});

it('REGISTRY_AUTH_FILE stands alone; otherwise the files are asked in their order', () => {
  expect(authFiles({ REGISTRY_AUTH_FILE: '/x', XDG_RUNTIME_DIR: '/run/me' }, '/home/me')).toEqual(['/x']);
  expect(authFiles({ XDG_RUNTIME_DIR: '/run/me' }, '/home/me')).toEqual([
    '/run/me/containers/auth.json',
    '/home/me/.config/containers/auth.json',
    '/home/me/.docker/config.json',
  ]);
  expect(authFiles({ DOCKER_CONFIG: '/d', XDG_CONFIG_HOME: '/c' }, '/home/me')).toEqual([
    `/run/containers/${process.getuid?.()}/auth.json`,
    '/c/containers/auth.json',
    '/d/config.json',
  ]);
});

import { describe, expect, it } from 'vitest';
import {
  familiarName,
  parseReference,
  referenceName,
  repositoryName,
  withDefaultTag,
} from '../../../src/image/reference.js';

const HEX = 'a'.repeat(64);
const whole = (text: string) => referenceName(withDefaultTag(parseReference(text)));

describe('names of images', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest'],
    ['team/app', 'docker.io/team/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['ghcr.io/team/app/part:v1', 'ghcr.io/team/app/part:v1'],
    ['Uppercase/app', 'Uppercase/app:latest'],
    ['[::1]:5000/app:x', '[::1]:5000/app:x'],
    ['a__b/c-----d.e_f', 'docker.io/a__b/c-----d.e_f:latest'],
    [`app@sha256:${HEX}`, `docker.io/library/app@sha256:${HEX}`],
    [`localhost:5000/app:v1@sha256:${HEX}`, `localhost:5000/app:v1@sha256:${HEX}`],
  ])('%s is %s', (text, name) => expect(whole(text)).toBe(name));

  it.each([
    '',
    ':tag',
    'App',
    'app:',
    'app:-x',
    'a//b',
    '/app',
    'app/',
    'a..b',
    'a___b',
    'app@sha256:abc',
    `app@md5:${'a'.repeat(32)}`,
    HEX,
    '../app',
    'app tag',
    'app\u001b[31m',
    'https://host/app',
    `app:${'x'.repeat(129)}`,
    `a/${'b'.repeat(250)}`,
    'host_x.y:80/app',
  ])('%j is none', (text) => expect(() => parseReference(text)).toThrow('invalid reference format'));

  it.each([
    ['busybox', 'busybox:latest'],
    ['docker.io/team/app:v1', 'team/app:v1'],
    ['docker.io/library/a/b', 'library/a/b:latest'],
    ['localhost:5000/library/app', 'localhost:5000/library/app:latest'],
  ])('%s is shown as %s, which is the same', (text, shown) => {
    const reference = withDefaultTag(parseReference(text));
    expect(familiarName(reference)).toBe(shown);
    expect(parseReference(shown)).toEqual(reference);
  });

  it('has a repository', () => expect(repositoryName(parseReference('busybox:1'))).toBe('docker.io/library/busybox'));
});

import { describe, expect, it } from 'vitest';
import { copyPlace, copyTarget, type EndKind } from '../../../../src/engine/copy/copy-rules.js';

describe('the ends of a copy', () => {
  it.each([
    ['-', { kind: 'stream' }],
    ['web:/etc/hosts', { kind: 'container', container: 'web', path: '/etc/hosts' }],
    ['web:etc', { kind: 'container', container: 'web', path: '/etc' }],
    ['web:../../etc/', { kind: 'container', container: 'web', path: '/etc/' }],
    ['web:/etc/.', { kind: 'container', container: 'web', path: '/etc/.' }],
    ['web:', { kind: 'container', container: 'web', path: '/' }],
    ['./a:b', { kind: 'host', path: './a:b' }],
    ['/a:b', { kind: 'host', path: '/a:b' }],
    ['file', { kind: 'host', path: 'file' }],
  ])('%s', (text, place) => {
    expect(copyPlace(text)).toEqual(place);
  });
});

describe('where things go', () => {
  const target = (source: [string, EndKind], destination: [string, EndKind], parent = true) =>
    copyTarget({ path: source[0], kind: source[1] }, { path: destination[0], kind: destination[1] }, parent);

  it.each<[string, EndKind, string, EndKind, string, string | undefined]>([
    ['/a/file', 'other', '/b/new', 'missing', '/b', 'new'],
    ['/a/file', 'other', '/b/old', 'other', '/b', 'old'],
    ['/a/file', 'other', '/b', 'directory', '/b', 'file'],
    ['/a/file', 'other', '/b/', 'directory', '/b', 'file'],
    ['/a/dir', 'directory', '/b/new', 'missing', '/b', 'new'],
    ['/a/dir', 'directory', '/b/new/', 'missing', '/b', 'new'],
    ['/a/dir/.', 'directory', '/b/new', 'missing', '/b', 'new'],
    ['/a/dir', 'directory', '/b', 'directory', '/b', 'dir'],
    ['/a/dir/', 'directory', '/b', 'directory', '/b', 'dir'],
    ['/a/dir/.', 'directory', '/b', 'directory', '/b', undefined],
    ['/', 'directory', '/b', 'directory', '/b', undefined],
    ['/a/file', 'other', 'new', 'missing', '.', 'new'],
    ['/a/file', 'other', '/', 'directory', '/', 'file'],
  ])('%s (%s) to %s (%s): %s, %s', (source, sourceKind, destination, kind, into, name) => {
    expect(target([source, sourceKind], [destination, kind])).toEqual({ into, name });
  });

  it('what docker refuses', () => {
    expect(() => target(['/no', 'missing'], ['/b', 'directory'])).toThrow('no such file or directory: /no');
    expect(() => target(['/a', 'directory'], ['/b', 'other'])).toThrow('cannot copy directory');
    expect(() => target(['/a', 'other'], ['/b/', 'missing'])).toThrow('no such directory: /b/');
    expect(() => target(['/a', 'other'], ['/b/', 'other'])).toThrow('not a directory: /b/');
    expect(() => target(['/a', 'other'], ['/no/b', 'missing'], false)).toThrow('no such directory: /no');
  });
});

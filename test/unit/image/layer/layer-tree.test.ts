import { describe, expect, it } from 'vitest';
import { componentsOf, markOf } from '../../../../src/image/layer/layer-path.js';
import { addDirectory, resolveDirectory, rootNode } from '../../../../src/image/layer/layer-tree.js';

describe('a path of a layer', () => {
  it.each([
    ['a/b', ['a', 'b']],
    ['./a//b/.', ['a', 'b']],
    ['/etc/passwd', ['etc', 'passwd']],
    ['a/../b', ['b']],
    ['./', []],
  ])('%s is resolved as words', (path, components) => {
    expect(componentsOf(path)).toEqual(components);
  });

  it.each(['..', '../x', 'a/../../x', '/..'])('%s leads out', (path) => {
    expect(() => componentsOf(path)).toThrow(/leads out of the layer's root/);
  });

  it('may be a whiteout, if it hides a name of its directory', () => {
    expect(markOf('file')).toBeUndefined();
    expect(markOf('.wh.file')).toEqual({ kind: 'whiteout', name: 'file' });
    expect(markOf('.wh..wh..opq')).toEqual({ kind: 'opaque' });
    expect(markOf('.wh..wh.plnk')).toEqual({ kind: 'ignored' });
    expect(markOf('.wh..hidden')).toEqual({ kind: 'whiteout', name: '.hidden' });
    for (const name of ['.wh.', '.wh..', '.wh...']) expect(() => markOf(name)).toThrow(/hides no name/);
  });
});

describe('directories of a tree', () => {
  const root = rootNode(true);
  const usr = addDirectory(root, 'usr', true, true);
  const lib = addDirectory(usr, 'lib', false, true);
  const link = (name: string, target: string) => root.children.set(name, { kind: 'symlink', target, own: true });
  link('lib', 'usr/lib');
  link('up', '../../../../usr');
  link('absolute', '/usr/lib');
  link('circle', 'circle');
  link('dangling', 'usr/none/deep');
  usr.children.set('file', { kind: 'file', own: true });

  it('are found through links, which end at the root', () => {
    for (const path of ['lib', 'usr/lib', 'up/lib', 'absolute', 'up/../usr/lib']) {
      expect(resolveDirectory(root, path.split('/'))).toEqual({ kind: 'directory', directory: lib });
    }
  });

  it('are missing where nothing is, and unknown where nobody has looked', () => {
    expect(resolveDirectory(root, ['dangling', 'x'])).toEqual({
      kind: 'missing',
      directory: usr,
      name: 'none',
      rest: ['deep', 'x'],
    });
    expect(resolveDirectory(root, ['lib', 'x'])).toEqual({ kind: 'unknown', directory: lib, name: 'x' });
  });

  it('are not found through files or circles', () => {
    expect(() => resolveDirectory(root, ['usr', 'file', 'x'])).toThrow(/is no directory/);
    expect(() => resolveDirectory(root, ['circle', 'x'])).toThrow(/too many links/);
  });
});

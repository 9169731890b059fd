import { describe, expect, it } from 'vitest';
import { parseIgnore, sourcePattern } from '../../../src/build/ignore.js';

const left = (rules: string, ...paths: string[]) => paths.filter((path) => !parseIgnore(rules).ignores(path));

/** docs.docker.com/build/concepts/context, ".dockerignore files". */
describe('.dockerignore', () => {
  it.each([
    ['*/temp*', ['a/temp', 'a/temporary.txt', 'a/b/temp', 'temp'], ['a/b/temp', 'temp']],
    ['*/*/temp*', ['a/b/temporary', 'a/temp'], ['a/temp']],
    ['temp?', ['tempa', 'temp', 'tempab'], ['temp', 'tempab']],
    ['**/*.go', ['a.go', 'x/y/b.go', 'a.c'], ['a.c']],
    ['dir', ['dir', 'dir/a', 'dir/b/c', 'dirs'], ['dirs']],
    ['/dir/', ['dir/a', 'x/dir'], ['x/dir']],
    ['*.md\n!README.md', ['README.md', 'a.md', 'x/a.md'], ['README.md', 'x/a.md']],
    ['*.md\n!README*.md\nREADME-secret.md', ['README.md', 'README-secret.md'], ['README.md']],
    ['# comment\n\n  a  ', ['a', 'b'], ['b']],
    ['dir\n!dir/keep', ['dir/a', 'dir/keep', 'dir/keep/x'], ['dir/keep', 'dir/keep/x']],
    ['a/../b', ['b', 'a'], ['a']],
    ['**', ['a', 'a/b'], []],
    ['[ab].txt', ['a.txt', 'c.txt'], ['c.txt']],
  ])('%j leaves of %j', (rules, paths, expected) => {
    expect(left(rules, ...paths)).toEqual(expected);
  });

  it('looks into a directory that is left out where something may be brought back', () => {
    const rules = parseIgnore('dir\nother\n!dir/keep/x');
    expect(['dir', 'dir/keep', 'other'].map(rules.mayHoldMore)).toEqual([true, true, false]);
    expect(parseIgnore('dir\n!**/x').mayHoldMore('dir')).toBe(true);
  });

  it('refuses a lone exclamation mark', () => {
    expect(() => parseIgnore('a\n!')).toThrow('.dockerignore:2: illegal exclusion pattern');
  });
});

describe('patterns of COPY', () => {
  it('stop at a slash', () => {
    expect(['a.txt', 'x/a.txt', '.txt', 'a.txtx'].filter((path) => sourcePattern('*.txt').test(path))).toEqual([
      'a.txt',
      '.txt',
    ]);
  });
});

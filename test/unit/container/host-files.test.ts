// Paths of an image with their links followed inside it, on a real directory. Nothing is mounted.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostFiles } from '../../../src/container/host-files.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'vlab-image-'));
  mkdirSync(join(root, 'real/deep'), { recursive: true, mode: 0o755 });
  writeFileSync(join(root, 'real/file'), '', { mode: 0o640 });
  const links = {
    absolute: '/real',
    upwards: '../../../../real',
    outwards: `${root}/real`,
    chain: 'absolute/deep',
    dangling: '/gone/away',
    a: 'b',
    b: 'a',
    'real/back': '..',
    toFile: 'real/file',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
});
afterAll(() => rmSync(root, { recursive: true }));

describe('a path of an image', () => {
  it.each([
    ['/', '/', 0, 'directory'],
    ['/real', '/real', 1, 'directory'],
    ['/real/file', '/real/file', 2, 'file'],
    ['/absolute/deep', '/real/deep', 2, 'directory'],
    ['/upwards', '/real', 1, 'directory'],
    ['/chain', '/real/deep', 2, 'directory'],
    ['/toFile', '/real/file', 2, 'file'],
    ['/real/back/real', '/real', 1, 'directory'],
    ['/real/../../real', '/real', 1, 'directory'],
    ['/none', '/none', 0, undefined],
    ['/real/none/more', '/real/none/more', 1, undefined],
    ['/absolute/new/x', '/real/new/x', 1, undefined],
    ['/dangling/x', '/gone/away/x', 0, undefined],
    ['/none/../real', '/real', 1, 'directory'],
    ['/real/file/below', '/real/file/below', 2, undefined],
  ] as const)('%s is %s', (path, resolved, existing, kind) => {
    expect(hostFiles.inImage(root, path)).toMatchObject({ path: resolved, existing, kind });
  });

  it('has its permissions', () => {
    expect(hostFiles.inImage(root, '/toFile')?.mode).toBe(0o640);
    expect(hostFiles.inImage(root, '/dangling')?.mode).toBeUndefined();
  });

  it('cannot be told where links go round', () => {
    expect(hostFiles.inImage(root, '/a/x')).toBeUndefined();
  });

  it('never leads out of it: an absolute link of the host is one of the image (property)', () => {
    expect(hostFiles.inImage(root, '/outwards')).toMatchObject({ path: join(root, 'real'), existing: 0 });
    const name = fc.constantFrom(
      '..',
      '.',
      'real',
      'deep',
      'absolute',
      'upwards',
      'chain',
      'dangling',
      'back',
      'file',
      'x',
    );
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), (names) => {
        const found = hostFiles.inImage(root, `/${names.join('/')}`);
        if (!found) return;
        expect(found.path).toMatch(/^\/([^/]+(\/[^/]+)*)?$/);
        expect(found.path.split('/')).not.toContain('..');
        expect(found.existing).toBeLessThanOrEqual(found.path.split('/').filter(Boolean).length);
        // What it says is there is there, and no link is left in the way.
        const there = found.path.split('/').filter(Boolean).slice(0, found.existing);
        expect(hostFiles.inImage(root, `/${there.join('/')}`)?.path).toBe(`/${there.join('/')}`);
      }),
    );
  });
});

describe('the host', () => {
  it('tells kinds, and nothing of what is not there', () => {
    expect(hostFiles.kindOf('/')).toBe('directory');
    expect(hostFiles.kindOf('/dev/null')).toBe('file');
    expect(hostFiles.kindOf('/no/such')).toBeUndefined();
    expect([hostFiles.isEmpty(join(root, 'real/deep')), hostFiles.isEmpty(root), hostFiles.isEmpty('/no')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LayerForm } from '../../../../src/image/layer/layer-form.js';
import { type UnpackRequest, unpackLayer } from '../../../../src/image/layer/unpack-layer.js';
import { needs } from '../../../skips.js';
import { archive, block, pax } from '../../../unit/image/layer/tar/archive.js';

let folder = '';
const at = (...names: string[]) => join(folder, ...names);

beforeEach((context) => {
  needs(context, 'root', process.getuid?.() === 0);
  folder = mkdtempSync('/var/tmp/vlab-bad');
  mkdirSync(at('into'));
  mkdirSync(at('outside'));
  writeFileSync(at('outside/secret'), 'secret');
});
afterEach(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = '';
});

function unpack(bytes: Buffer, more: Partial<UnpackRequest> = {}) {
  return unpackLayer({ source: Readable.from([bytes]), into: at('into'), form: 'overlay', ...more });
}

function nothingHappenedOutside(): void {
  expect(readdirSync(folder).sort()).toEqual(['into', 'outside']);
  expect(readdirSync(at('outside'))).toEqual(['secret']);
  expect(readFileSync(at('outside/secret'), 'utf8')).toBe('secret');
}

describe.each<LayerForm>(['overlay', 'plain'])('a layer that wants out, %s', (form) => {
  it.each<[string, Buffer[]]>([
    ['a path with ..', [block({ path: '../outside/file', content: 'x' })]],
    ['a path with .. in its middle', [block({ path: 'a/../../outside/file', content: 'x' })]],
    ['a path of a pax header with ..', [pax(['path', '../outside/file']), block({ content: 'x' })]],
    ['a hard link to what lies outside', [block({ path: 'file', flag: '1', linkPath: '../outside/secret' })]],
    ['a hard link to the root', [block({ path: 'file', flag: '1', linkPath: './' })]],
    ['a hard link to what is not there', [block({ path: 'file', flag: '1', linkPath: 'etc/none' })]],
    ['a whiteout of ..', [block({ path: 'a/.wh...' })]],
    ['a whiteout of .', [block({ path: '.wh..' })]],
    ['a whiteout of nothing', [block({ path: '.wh.' })]],
    ['a whiteout above the root', [block({ path: '../.wh.outside' })]],
    ['a root that is a link', [block({ path: './', flag: '2', linkPath: '../outside' })]],
    ['a path through a file', [block({ path: 'a' }), block({ path: 'a/b' })]],
    [
      'links in a circle',
      [
        block({ path: 'a', flag: '2', linkPath: 'b' }),
        block({ path: 'b', flag: '2', linkPath: 'a' }),
        block({ path: 'a/x' }),
      ],
    ],
    ['a component that is too long', [pax(['path', `a/${'x'.repeat(300)}`]), block()]],
  ])('is refused: %s', async (_, blocks) => {
    await expect(unpack(archive(...blocks), { form })).rejects.toMatchObject({ blame: 'input' });
    nothingHappenedOutside();
  });

  it('stays inside of its root where it follows links', async () => {
    const up = '../../../../../../../..';
    await unpack(
      archive(
        block({ path: '/absolute', content: 'in the root' }),
        block({ path: 'up', flag: '2', linkPath: `${up}${at('outside')}` }),
        block({ path: 'out', flag: '2', linkPath: at('outside') }),
        block({ path: 'up/one', content: 'inside' }),
        block({ path: 'out/two', content: 'inside' }),
        block({ path: 'out/.wh.secret' }),
        block({ path: 'up/.wh..wh..opq' }),
        block({ path: 'hard', flag: '1', linkPath: 'out/two' }),
        block({ path: 'dir', flag: '5' }),
        block({ path: 'dir/link', flag: '2', linkPath: '../../../dir' }),
        block({ path: 'dir/link/link/three', content: 'inside' }),
      ),
      { form },
    );
    nothingHappenedOutside();
    expect(readFileSync(at('into', at('outside/one')), 'utf8')).toBe('inside');
    expect(readFileSync(at('into', at('outside/two')), 'utf8')).toBe('inside');
    expect(lstatSync(at('into/hard')).nlink).toBe(2);
    expect(readFileSync(at('into/absolute'), 'utf8')).toBe('in the root');
  });

  it('replaces a link instead of writing through it', async () => {
    const secret = at('outside/secret');
    await unpack(
      archive(
        block({ path: 'file', flag: '2', linkPath: secret }),
        block({ path: 'file', content: 'new' }),
        block({ path: 'dir', flag: '2', linkPath: at('outside') }),
        block({ path: 'dir', flag: '5', mode: 0o700 }),
        block({ path: 'dir/file', content: 'new' }),
        block({ path: 'hard', flag: '2', linkPath: secret }),
        block({ path: 'hard', flag: '1', linkPath: 'file' }),
        block({ path: 'gone', flag: '5' }),
        block({ path: 'gone/deep/file', content: 'x' }),
        block({ path: 'gone', content: 'a file now' }),
        block({ path: 'link', flag: '2', linkPath: secret, mode: 0o4777, uid: 7 }),
      ),
      { form },
    );
    nothingHappenedOutside();
    expect(lstatSync(at('outside/secret')).uid).toBe(0);
    expect(readFileSync(at('into/file'), 'utf8')).toBe('new');
    expect(readFileSync(at('into/dir/file'), 'utf8')).toBe('new');
    expect(readFileSync(at('into/gone'), 'utf8')).toBe('a file now');
  });
});

describe('a layer over what is there', () => {
  it('neither follows its links out nor removes through them', async () => {
    execFileSync('ln', ['-s', at('outside'), at('into/link')]);
    mkdirSync(at('into/dir/sub'), { recursive: true });
    execFileSync('ln', ['-s', at('outside'), at('into/dir/sub/link')]);
    const layer = archive(
      block({ path: '.wh.dir' }),
      block({ path: 'link/file', content: 'x' }),
      block({ path: 'link/.wh.secret' }),
    );
    await unpack(layer, { form: 'plain' });
    nothingHappenedOutside();
    expect(existsSync(at('into/dir'))).toBe(false);
    expect(readFileSync(at('into', at('outside/file')), 'utf8')).toBe('x');
  });
});

describe("overlayfs's own marks in a layer", () => {
  it('are left out, and said', async () => {
    const { leftOut } = await unpack(
      archive(
        pax(['SCHILY.xattr.trusted.overlay.redirect', '/etc'], ['SCHILY.xattr.user.kept', 'x']),
        block({ path: 'dir', flag: '5' }),
        block({ path: 'device', flag: '3', major: 0, minor: 0 }),
      ),
    );
    expect(leftOut).toHaveLength(2);
    expect(readdirSync(at('into'))).toEqual(['dir']);
    const xattrs = execFileSync('getfattr', ['-d', '-m', '-', at('into/dir')], { encoding: 'utf8', stdio: 'pipe' });
    expect(xattrs).toContain('user.kept');
    expect(xattrs).not.toContain('overlay');
  });
});

describe('a layer without measure', () => {
  const zeros = gzipSync(Buffer.alloc(64 << 20), { level: 9 });

  it.each<[string, Buffer, Partial<UnpackRequest>]>([
    ['bytes', archive(block({ content: 'x'.repeat(100_000) })), { limits: { maxBytes: 50_000 } }],
    [
      'entries',
      archive(...Array.from({ length: 20 }, (_, index) => block({ path: `f${index}` }))),
      { limits: { maxEntries: 10 } },
    ],
    [
      'times what was read',
      gzipSync(archive(block({ content: Buffer.alloc(3 << 20) }))),
      { limits: { maxRatio: 50, ratioFromBytes: 1 << 20 } },
    ],
    [
      'bytes of a bomb of gzip members',
      Buffer.concat(Array.from({ length: 40 }, () => zeros)),
      { limits: { maxBytes: 1 << 30 } },
    ],
  ])('is taken for a bomb: %s', async (_, bytes, more) => {
    await expect(unpack(bytes, more)).rejects.toThrow(/bomb|well-formed/);
  });

  it('that claims to be huge is refused for its end', async () => {
    await expect(unpack(archive(block({ size: '77777777777', content: 'x' })))).rejects.toThrow(/ends in the middle/);
  });

  it.each([
    ['gzip', gzipSync(archive(block({ content: 'x'.repeat(5000) })))],
    ['zstd', execFileSync('zstd', ['-qc'], { input: archive(block({ content: 'x'.repeat(5000) })) })],
    ['tar', archive(block({ content: 'x'.repeat(5000) }))],
  ])('and one that is cut off: %s', async (_, bytes) => {
    await expect(unpack(bytes.subarray(0, bytes.length / 2))).rejects.toMatchObject({ blame: 'input' });
    rmSync(at('into'), { recursive: true });
    mkdirSync(at('into'));
    await expect(unpack(bytes)).resolves.toMatchObject({ entries: 1 });
  });

  it('does not fill a disk without a word', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=755', 'tmpfs', at('into')]);
    try {
      const layer = archive(
        ...Array.from({ length: 8 }, (_, index) => block({ path: `f${index}`, content: Buffer.alloc(1 << 20) })),
      );
      await expect(unpack(layer)).rejects.toMatchObject({
        blame: 'host',
        message: expect.stringContaining('no space is left'),
      });
    } finally {
      execFileSync('umount', [at('into')]);
    }
  });
});

describe('a killed unpacker', () => {
  it('leaves no process behind', async () => {
    const script = join(process.cwd(), 'dist', `unpack-${process.pid}.mjs`); // sources are looked for above it
    const { build } = await import('esbuild');
    await build({
      stdin: {
        contents: `import { unpackLayer } from './src/image/layer/unpack-layer.ts';
          async function* slow() { yield first; console.log('begun'); await new Promise(() => setInterval(() => {}, 1000)); }
          const first = Buffer.from(process.argv[2], 'base64');
          import { Readable } from 'node:stream';
          await unpackLayer({ source: Readable.from(slow()), into: process.argv[3], form: 'overlay' });`,
        resolveDir: process.cwd(),
        loader: 'ts',
      },
      ...{ bundle: true, platform: 'node', format: 'esm', outfile: script, external: ['koffi'] },
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    });
    const many = Buffer.concat(
      Array.from({ length: 40 }, (_, index) => block({ path: `f${index}`, content: 'x'.repeat(100) })),
    );
    const child = spawn(process.execPath, [script, many.toString('base64'), at('into')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close'); // not before the performer has ended too: it holds the same output
    try {
      const [said] = await Promise.race([once(child.stdout, 'data'), closed]);
      expect(String(said)).toBe('begun\n');
    } finally {
      child.kill('SIGKILL');
      await closed;
      rmSync(script);
    }
  });
});

import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TarEntry } from '../../../../../src/image/layer/tar/entry.js';
import { TarReader } from '../../../../../src/image/layer/tar/reader.js';
import { archive, block, END, pax } from './archive.js';

interface Read {
  entry: TarEntry;
  pieces: { offset: number; text: string }[];
  isWhole: boolean;
}

function read(bytes: Buffer, chunkBytes = bytes.length): Read[] {
  const reader = new TarReader(1 << 20);
  const found: Read[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    for (const event of reader.push(bytes.subarray(at, at + chunkBytes))) {
      const last = found.at(-1);
      if (event.kind === 'entry') found.push({ entry: event.entry, pieces: [], isWhole: false });
      else if (event.kind === 'content')
        last?.pieces.push({ offset: event.offset, text: event.bytes.toString('latin1') });
      else if (last) last.isWhole = true;
    }
  }
  reader.finish();
  return found;
}

const contentOf = ({ pieces }: Read) => pieces.map(({ text }) => text).join('');

describe('a tar archive', () => {
  it('is read as it was written, in chunks of any size', () => {
    const bytes = archive(
      block({ path: 'a/', flag: '5', mode: 0o1777 }),
      block({ path: 'a/file', content: 'x'.repeat(700), mode: 0o4755, uid: 33, gid: 44 }),
      block({ path: 'a/empty' }),
      block({ path: 'a/link', flag: '2', linkPath: '../b' }),
      block({ path: 'a/hard', flag: '1', linkPath: 'a/file', size: 700 }),
      block({ path: 'null', flag: '3', major: 1, minor: 3 }),
    );
    const whole = read(bytes);
    expect(whole.map(({ entry }) => [entry.type, entry.path])).toEqual([
      ['directory', 'a/'],
      ['file', 'a/file'],
      ['file', 'a/empty'],
      ['symlink', 'a/link'],
      ['hard-link', 'a/hard'],
      ['character', 'null'],
    ]);
    expect(whole[1]?.entry).toMatchObject({ mode: 0o4755, uid: 33, gid: 44, sizeBytes: 700 });
    expect(whole[1]?.entry.mtime).toEqual({ seconds: 1_600_000_000, nanoseconds: 0 });
    expect(whole[3]?.entry.linkPath).toBe('../b');
    expect(whole[5]?.entry).toMatchObject({ major: 1, minor: 3 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), (chunkBytes) => {
        const parts = read(bytes, chunkBytes);
        expect(parts.map(({ entry }) => entry)).toEqual(whole.map(({ entry }) => entry));
        expect(parts.map(contentOf)).toEqual(whole.map(contentOf));
        expect(parts.every(({ isWhole }) => isWhole)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('takes what an extended header says for the next entry alone', () => {
    const long = `${'d/'.repeat(200)}name`;
    const [first, second] = read(
      archive(
        pax(['path', long], ['uid', '4000000'], ['mtime', '-1.25'], ['SCHILY.xattr.user.a', Buffer.from([0, 255, 10])]),
        block(),
        block({ path: 'second' }),
      ),
    );
    expect(first?.entry).toMatchObject({ path: long, uid: 4_000_000 });
    expect(first?.entry.mtime).toEqual({ seconds: -2, nanoseconds: 750_000_000 });
    expect(first?.entry.xattrs).toEqual([['user.a', Buffer.from([0, 255, 10])]]);
    expect(second?.entry).toMatchObject({ path: 'second', uid: 0, xattrs: [] });
  });

  it("reads GNU's long names, and its numbers in two's complement", () => {
    const name = 'n'.repeat(300);
    const [entry] = read(
      archive(
        block({ path: '././@LongLink', flag: 'L', content: `${name}\0` }),
        block({ path: '././@LongLink', flag: 'K', content: `${name}-target\0` }),
        block({
          flag: '2',
          over: [
            [108, Buffer.from([0x80, 0, 0, 0, 0, 0x3d, 0x09, 0])],
            [136, Buffer.from([255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254])],
          ],
        }),
      ),
    );
    expect(entry?.entry).toMatchObject({ path: name, linkPath: `${name}-target`, uid: 4_000_000 });
    expect(entry?.entry.mtime.seconds).toBe(-2);
  });

  it.each(['--format=gnu', '--sparse-version=0.0', '--sparse-version=0.1', '--sparse-version=1.0'])(
    'reads the sparse files of GNU tar %s',
    (format) => {
      const folder = mkdtempSync(join(tmpdir(), 'vlab-sparse'));
      try {
        const file = openSync(join(folder, 'sparse'), 'w');
        for (let index = 1; index <= 30; index++) writeSync(file, `piece ${index}`, index * 65536);
        ftruncateSync(file, 4_000_000);
        closeSync(file);
        const words = format.startsWith('--format') ? [format] : ['--format=pax', format];
        const bytes = execFileSync('tar', ['-C', folder, ...words, '-S', '-cf', '-', 'sparse'], { maxBuffer: 1 << 28 });
        const [found] = read(bytes, 1000);
        const made = Buffer.alloc(found?.entry.sizeBytes ?? 0);
        for (const { offset, text } of found?.pieces ?? []) made.write(text, offset, 'latin1');
        expect(found?.entry).toMatchObject({ path: 'sparse', sizeBytes: 4_000_000 });
        expect(made.equals(readFileSync(join(folder, 'sparse')))).toBe(true);
        expect(found?.pieces.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(400_000);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  it('ends at its end mark, whatever lies behind it', () => {
    expect(read(Buffer.concat([archive(block()), Buffer.from('rubbish'.repeat(100))]))).toHaveLength(1);
    expect(read(block())).toHaveLength(1); // GNU tar and Go take this too
  });

  it.each<[string, Buffer]>([
    ['a wrong checksum', archive(block({ checksum: 1 }))],
    ['no tar at all', Buffer.alloc(2048, 0x41)],
    ['the end in a header', block().subarray(0, 300)],
    ['the end in content', block({ content: 'x'.repeat(600) }).subarray(0, 900)],
    ['the end in padding', block({ content: 'x' }).subarray(0, 700)],
    ['the end behind an extended header', archive(pax(['path', 'x']))],
    ['a negative size', archive(block({ size: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0' }))],
    ['a size beyond all measure', archive(block({ size: '\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' }))],
    ['a size that is no number', archive(block({ size: '12x45' }))],
    ['an unknown type', archive(block({ flag: 'Z' }))],
    ['a negative owner in pax', archive(pax(['uid', '-1']), block())],
    ['an owner that is none', archive(pax(['uid', '4294967295']), block())],
    ['a name with a NUL byte', archive(pax(['path', 'a\0b']), block())],
    ['a record that ends elsewhere', archive(block({ flag: 'x', content: '99 path=x\n' }), block())],
    ['a record without a length', archive(block({ flag: 'x', content: 'path=x\n' }), block())],
    [
      'pax headers without end',
      archive(...Array.from({ length: 3 }, () => pax(['comment', 'x'.repeat(500_000)])), block()),
    ],
    [
      'overlapping pieces',
      archive(pax(['GNU.sparse.size', '9'], ['GNU.sparse.map', '0,5,4,5']), block({ content: '0123456789' })),
    ],
    [
      'pieces out of the file',
      archive(pax(['GNU.sparse.size', '9'], ['GNU.sparse.map', '5,5']), block({ content: '01234' })),
    ],
    [
      'a map of another length',
      archive(pax(['GNU.sparse.size', '9'], ['GNU.sparse.map', '0,5']), block({ content: '0123' })),
    ],
  ])('is refused with %s', (_, bytes) => {
    expect(() => read(bytes, 512)).toThrow(/the layer is no well-formed tar archive/);
  });

  it('never does anything but read or refuse, whatever the bytes', () => {
    const good = archive(pax(['path', 'x/y']), block({ content: 'abc' }), block({ path: 'z', flag: '5' }));
    fc.assert(
      fc.property(fc.nat(good.length - END.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(good);
        bytes[at] = byte;
        try {
          read(bytes, 600);
        } catch (error) {
          expect(error).toMatchObject({ blame: 'input' });
        }
      }),
      { numRuns: 300 },
    );
  });
});

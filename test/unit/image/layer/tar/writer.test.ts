import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TarEntry } from '../../../../../src/image/layer/tar/entry.js';
import { TarReader } from '../../../../../src/image/layer/tar/reader.js';
import { END_MARK, headerOf } from '../../../../../src/image/layer/tar/writer.js';

const name = fc
  .array(
    fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 90,
    }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((parts) => parts.map((part) => `n${part.replaceAll('/', '_')}`).join('/'));

const entry = fc.record<TarEntry>({
  type: fc.constantFrom('file', 'directory', 'symlink', 'hard-link', 'character', 'block', 'fifo'),
  path: name,
  linkPath: name,
  mode: fc.nat(0o7777),
  uid: fc.nat(2 ** 32 - 2),
  gid: fc.nat(2 ** 32 - 2),
  sizeBytes: fc.constant(0),
  mtime: fc.record({ seconds: fc.integer({ min: -1e10, max: 1e12 }), nanoseconds: fc.nat(999_999_999) }),
  major: fc.nat(4095),
  minor: fc.nat(0xfffff),
  xattrs: fc.uniqueArray(fc.tuple(fc.stringMatching(/^user\.[a-z.]{1,20}$/), fc.uint8Array({ maxLength: 300 })), {
    selector: ([key]) => key,
    maxLength: 3,
  }),
});

describe('the header of an entry', () => {
  it('is read back as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(entry, (written) => {
        const reader = new TarReader(1 << 20);
        const events = reader.push(Buffer.concat([headerOf(written).bytes, END_MARK]));
        reader.finish();
        const [first] = events;
        const read = first?.kind === 'entry' ? first.entry : undefined;
        const { type } = written;
        const isDevice = type === 'character' || type === 'block';
        expect(read).toEqual({
          ...written,
          type,
          linkPath: type === 'symlink' || type === 'hard-link' ? written.linkPath : '',
          major: isDevice ? written.major : 0,
          minor: isDevice ? written.minor : 0,
          xattrs: [...written.xattrs]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, value]) => [key, Buffer.from(value)]),
        });
      }),
      { numRuns: 300 },
    );
  });
});

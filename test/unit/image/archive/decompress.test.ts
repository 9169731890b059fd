import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { unpacked } from '../../../../src/image/archive/decompress.js';

const limits = { maxRatio: 200, ratioFromBytes: 1 << 20 };
const zeros = gzipSync(Buffer.alloc(8 << 20));
const inPieces = (packed: Buffer) =>
  Readable.from(
    (function* () {
      for (let at = 0; at < packed.length; at += 1000) yield packed.subarray(at, at + 1000);
    })(),
  );

test('an archive that grows past the ratio is refused as a decompression bomb', async () => {
  const { stream } = await unpacked(inPieces(zeros), limits);
  await expect(buffer(stream)).rejects.toMatchObject({ blame: 'input', message: expect.stringContaining('200 times') });
});

test('a small archive may be mostly zeros', async () => {
  const { stream, packing } = await unpacked(inPieces(zeros), { ...limits, ratioFromBytes: 16 << 20 });
  expect([(await buffer(stream)).length, packing]).toEqual([8 << 20, 'gzip']);
});

test('a broken archive fails', async () => {
  const { stream } = await unpacked(inPieces(zeros.subarray(0, 4000)), { ...limits, ratioFromBytes: 16 << 20 });
  await expect(buffer(stream)).rejects.toThrow();
});

test('a plain archive passes as it is', async () => {
  const { stream, packing } = await unpacked(inPieces(Buffer.alloc(5000, 7)), limits);
  expect([(await buffer(stream)).equals(Buffer.alloc(5000, 7)), packing]).toEqual([true, 'none']);
});

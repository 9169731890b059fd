/**
 * The LZ4 "legacy" frame in which kernels are compressed (lib/decompress_unlz4.c; lz4_Frame_format.md, "Legacy frame"):
 * blocks of up to 8 MiB, each with its compressed size before it. Pure.
 */

const MAGIC = 0x184c2102;
const BLOCK_BYTES = 8 << 20;
const LEAST_MATCH = 4;

/** Throws RangeError for bytes that are no such frame. */
export function decompressLz4Legacy(input: Buffer): Buffer {
  if (input.length < 4 || input.readUInt32LE(0) !== MAGIC) throw new RangeError('no LZ4 legacy frame');
  const blocks: Buffer[] = [];
  for (let at = 4; at + 4 <= input.length; ) {
    const bytes = input.readUInt32LE(at);
    at += 4;
    if (bytes === MAGIC) continue; // frames one after the other
    // The kernel's build appends the size of the whole: a block that cannot be there.
    if (bytes === 0 || at + bytes > input.length) break;
    blocks.push(decompressBlock(input.subarray(at, at + bytes)));
    at += bytes;
  }
  return Buffer.concat(blocks);
}

function decompressBlock(input: Buffer): Buffer {
  const output = Buffer.allocUnsafe(BLOCK_BYTES);
  let from = 0;
  let to = 0;
  const byte = (): number => {
    const value = input[from++];
    if (value === undefined) throw new RangeError('an LZ4 block ends too early');
    return value;
  };
  const length = (nibble: number): number => {
    let total = nibble;
    if (nibble === 15) for (let more = 255; more === 255; ) total += more = byte();
    return total;
  };
  while (from < input.length) {
    const token = byte();
    const literals = length(token >> 4);
    if (from + literals > input.length || to + literals > BLOCK_BYTES) throw new RangeError('an LZ4 literal overruns');
    input.copy(output, to, from, from + literals);
    from += literals;
    to += literals;
    if (from >= input.length) break; // the last sequence has no match
    const distance = byte() | (byte() << 8);
    const match = length(token & 15) + LEAST_MATCH;
    if (distance === 0 || distance > to || to + match > BLOCK_BYTES) throw new RangeError('an LZ4 match overruns');
    if (distance >= match) output.copy(output, to, to - distance, to - distance + match);
    else for (let i = 0; i < match; i++) output[to + i] = output[to + i - distance] as number;
    to += match;
  }
  return output.subarray(0, to);
}

/** Where the stored bytes of a sparse file belong. Pure. */
import type { Segment } from './entry.js';
import { malformed } from './header.js';
import { segmentsFrom } from './pax.js';

export class SparseMap {
  private segments: readonly Segment[] = [];
  private index = 0;
  /** Bytes of the current segment that were there already. */
  private done = 0;

  /** Error (`input`): the segments overlap, leave the file, or are not what is stored. */
  begin(segments: readonly Segment[], storedBytes: number, realSize: number): void {
    let end = 0;
    let sum = 0;
    for (const { offset, bytes } of segments) {
      if (offset < end || offset + bytes > realSize) throw malformed('the map of a sparse file leads out of it');
      end = offset + bytes;
      sum += bytes;
    }
    if (sum !== storedBytes) throw malformed('the map of a sparse file has not the length of its content');
    this.segments = segments;
    this.index = 0;
    this.done = 0;
  }

  *spread(stored: Buffer): Generator<{ offset: number; bytes: Buffer }> {
    let from = 0;
    while (from < stored.length) {
      const segment = this.segments[this.index];
      if (!segment) throw malformed('a sparse file has more content than its map');
      const taken = Math.min(segment.bytes - this.done, stored.length - from);
      if (taken > 0) yield { offset: segment.offset + this.done, bytes: stored.subarray(from, from + taken) };
      from += taken;
      this.done += taken;
      if (this.done === segment.bytes) {
        this.index++;
        this.done = 0;
      }
    }
  }

  mustBeFull(): void {
    const rest = this.segments.slice(this.index).some(({ bytes }) => bytes > this.done);
    if (rest) throw malformed('a sparse file has less content than its map');
  }

  /** GNU's format 1.0: the number of segments, then offset and length of each, a line each. Undefined: more is to come. */
  static parse(bytes: Buffer): Segment[] | undefined {
    const lines = bytes.toString('latin1').split('\n');
    const last = lines.pop(); // what is behind the last newline
    const first = lines[0];
    if (first === undefined) {
      if ((last ?? '').length > 20) throw malformed('a sparse map does not begin with a number');
      return undefined;
    }
    const [count] = segmentsFrom([first, '0']);
    const wanted = 2 * (count?.offset ?? 0);
    if (lines.length - 1 < wanted) return undefined;
    return segmentsFrom(lines.slice(1, 1 + wanted));
  }
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME, FrameReader, frame, words } from '../../../../src/engine/run/frames.js';

describe('frames', () => {
  it('are read whole again, however they are cut', () => {
    const sent = fc.array(fc.record({ type: fc.nat(6), payload: fc.uint8Array({ maxLength: 40 }) }));
    fc.assert(
      fc.property(sent, fc.integer({ min: 1, max: 50 }), (frames, step) => {
        const bytes = Buffer.concat(frames.map(({ type, payload }) => frame(type, payload)));
        const seen: [number, number[]][] = [];
        const reader = new FrameReader((type, part) => seen.push([type, [...part]]));
        for (let at = 0; at < bytes.length; at += step) reader.read(bytes.subarray(at, at + step));
        const text = (parts: [number, number[]][]) =>
          parts.reduce<[number, number[]][]>((all, [type, part]) => {
            const last = all.at(-1);
            // Output of one type is one text; where it was cut does not matter.
            if (last && last[0] === type) last[1].push(...part);
            else all.push([type, [...part]]);
            return all;
          }, []);
        expect(text(seen)).toEqual(text(frames.map(({ type, payload }) => [type, [...payload]])));
      }),
    );
  });

  it('are little-endian', () => {
    expect(frame(FRAME.size, words(33, 258))).toEqual(Buffer.from([4, 0, 0, 0, 8, 0, 0, 0, 33, 0, 0, 0, 2, 1, 0, 0]));
  });
});

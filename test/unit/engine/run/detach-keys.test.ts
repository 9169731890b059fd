import { describe, expect, it } from 'vitest';
import { DEFAULT_DETACH_KEYS, DetachWatch, parseDetachKeys } from '../../../../src/engine/run/detach-keys.js';

describe('parseDetachKeys', () => {
  it.each([
    [DEFAULT_DETACH_KEYS, [16, 17]],
    ['a', [97]],
    ['ctrl-a,d', [1, 100]],
    ['ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_', [0, 27, 28, 29, 30, 31]],
    ['', []],
  ])('%s', (text, bytes) => {
    expect([...parseDetachKeys(text)]).toEqual(bytes);
  });

  it.each(['ctrl-', 'ctrl-1', 'ab', ',', 'alt-a', 'a,,b'])('refuses %s', (text) => {
    expect(() => parseDetachKeys(text)).toThrow(/is no key/);
  });
});

describe('DetachWatch', () => {
  const typed = (...chunks: string[]) => {
    const watch = new DetachWatch(parseDetachKeys(DEFAULT_DETACH_KEYS));
    let passed = '';
    for (const chunk of chunks) {
      const { pass, detach } = watch.read(Buffer.from(chunk));
      passed += pass.toString();
      if (detach) return [passed, 'detached'];
    }
    return [passed];
  };

  it('detaches when all keys have come, in one piece or in several', () => {
    expect(typed('ab\x10\x11cd')).toEqual(['ab', 'detached']);
    expect(typed('ab\x10', '\x11cd')).toEqual(['ab', 'detached']);
  });

  it('loses nothing of keys that turn out to be others', () => {
    expect(typed('\x10', 'x\x10\x10', '\x11')).toEqual(['\x10x\x10', 'detached']);
    expect(typed('\x11\x10a')).toEqual(['\x11\x10a']);
  });

  it('passes everything on where there are no keys', () => {
    expect(new DetachWatch(Buffer.alloc(0)).read(Buffer.from('\x10\x11'))).toEqual({
      pass: Buffer.from('\x10\x11'),
      detach: false,
    });
  });
});

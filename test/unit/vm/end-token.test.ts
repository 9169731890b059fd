import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endToken, TOKEN_BYTES, UntilToken } from '../../../src/vm/end-token.js';

const TOKEN = Buffer.from('aabaabaabaabaaba'); // begins again within itself
async function through(chunks: readonly Buffer[]): Promise<string> {
  const filter = new UntilToken(TOKEN);
  const out: Buffer[] = [];
  filter.on('data', (chunk: Buffer) => out.push(chunk));
  for (const chunk of chunks) filter.write(chunk);
  filter.end();
  await new Promise((resolve) => filter.on('finish', resolve));
  return Buffer.concat(out).toString('latin1');
}

describe('UntilToken', () => {
  it('passes everything before the token on and nothing after it, however the bytes are cut', async () => {
    const cut = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 30 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, cut, async (before, sizes) => {
        fc.pre(!`${before}${TOKEN}`.slice(0, -1).includes(TOKEN.toString()));
        const all = Buffer.from(`${before}${TOKEN}after`);
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const size = sizes[turn % sizes.length] as number;
          chunks.push(all.subarray(at, at + size));
          at += size;
        }
        expect(await through(chunks)).toBe(before);
      }),
    );
  });

  it('holds nothing back that cannot be the token', () => {
    const filter = new UntilToken(TOKEN);
    filter.write('hello');
    expect(filter.read()?.toString()).toBe('hello');
  });

  it('gives what it held back when the stream ends without a token', async () => {
    expect(await through([Buffer.from('xaab')])).toBe('xaab');
  });

  it('tells when the token has come', async () => {
    const filter = new UntilToken(TOKEN);
    filter.resume();
    filter.write(TOKEN.subarray(0, 5));
    filter.write(TOKEN.subarray(5));
    await filter.ended;
  });
});

describe('endToken', () => {
  it('is another one each time', () => {
    expect(endToken()).toHaveLength(TOKEN_BYTES);
    expect(endToken().equals(endToken())).toBe(false);
  });
});

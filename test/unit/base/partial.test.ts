import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { partialBeside, remembered, writeWhole } from '../../../src/base/partial.js';

it('no two makers get the same name, and what a killed one left goes after a day', () => {
  const root = mkdtempSync(join(tmpdir(), 'vlab-partial-'));
  try {
    const target = join(root, 'made/here');
    const [mine, others] = [partialBeside(target), partialBeside(target)];
    expect(mine).not.toBe(others);
    for (const path of [mine, others, `${target}2.x.partial`]) writeFileSync(path, '');
    const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
    utimesSync(mine, twoDaysAgo, twoDaysAgo);
    utimesSync(`${target}2.x.partial`, twoDaysAgo, twoDaysAgo);
    partialBeside(target);
    expect([existsSync(mine), existsSync(others)]).toEqual([false, true]);
    expect(readdirSync(join(root, 'made'))).toContain('here2.x.partial');
  } finally {
    rmSync(root, { recursive: true });
  }
});

it('two writers of one file at once both succeed, and leave one whole file', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vlab-partial-'));
  try {
    const target = join(root, 'deep/er.json');
    await Promise.all(['{"a":1}', '{"b":2}', '{"c":3}'].map((text) => writeWhole(target, text)));
    expect(readdirSync(join(root, 'deep'))).toEqual(['er.json']);
    expect(Object.keys(JSON.parse(readFileSync(target, 'utf8')))).toHaveLength(1);
    await expect(writeWhole(join(target, 'no folder'), '')).rejects.toThrow();
  } finally {
    rmSync(root, { recursive: true });
  }
});

it('an answer is asked for once, and again when it is unreadable or no longer holds', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vlab-partial-'));
  try {
    const file = join(root, 'kept/answer.json');
    let asked = 0;
    const ask = async () => ({ asked: ++asked });
    expect(await remembered(file, ask)).toEqual({ asked: 1 });
    expect(await remembered(file, ask)).toEqual({ asked: 1 });
    expect(await remembered(file, ask, (known) => known.asked === 2)).toEqual({ asked: 2 });
    writeFileSync(file, '');
    expect(await remembered(file, ask)).toEqual({ asked: 3 });
    expect(await remembered(file, ask)).toEqual({ asked: 3 });
    await expect(remembered(join(root, 'other.json'), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(readdirSync(root)).toEqual(['kept']);
  } finally {
    rmSync(root, { recursive: true });
  }
});

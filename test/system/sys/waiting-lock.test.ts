import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLock } from '../../../src/sys/waiting-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlab-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('those who want the lock have it one after the other, each once', async () => {
  const done: number[] = [];
  let within = 0;
  const work = (number: number) =>
    withLock(folder, async () => {
      expect(++within).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      within--;
      done.push(number);
    });
  await Promise.all(Array.from({ length: 12 }, (_, number) => work(number)));
  expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, number) => number));
});

it('who waits too long is told, and another name is another lock; a failure gives the lock back', async () => {
  await withLock(folder, async () => {
    const late = withLock(folder, async () => 'never', { deadlineMs: 100 });
    await expect(late).rejects.toMatchObject({ blame: 'operation', message: expect.stringContaining(folder) });
    expect(await withLock(folder, async () => 'other', { name: 'other' })).toBe('other');
  });
  await expect(withLock(folder, () => Promise.reject(new Error('work')))).rejects.toThrow('work');
  expect(await withLock(folder, async () => 'free', { deadlineMs: 2_000 })).toBe('free');
});

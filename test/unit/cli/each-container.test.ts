import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { VlabError } from '../../../src/base/errors.js';
import { eachContainer } from '../../../src/cli/each-container.js';

let told = '';
beforeEach(() => {
  told = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    told += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** Those that were begun, and how each is ended. */
function held() {
  const begun: string[] = [];
  const end = new Map<string, () => void>();
  const act = (text: string) => {
    begun.push(text);
    return new Promise<string>((resolve) => end.set(text, () => resolve(text)));
  };
  return { begun, act, end: (text: string) => end.get(text)?.() };
}

it('acts on one after the other where nothing else is said', async () => {
  const { begun, act, end } = held();
  const done = eachContainer(['a', 'b'], act, () => {});
  expect(begun).toEqual(['a']);
  end('a');
  await vi.waitFor(() => expect(begun).toEqual(['a', 'b']));
  end('b');
  expect(await done).toEqual(['a', 'b']);
});

it('acts on so many beside each other, and tells in the order of the names', async () => {
  const { begun, act, end } = held();
  const lines: string[] = [];
  const done = eachContainer(['a', 'b', 'c'], act, (line) => lines.push(line), 2);
  expect(begun).toEqual(['a', 'b']);
  end('b');
  end('a');
  await vi.waitFor(() => expect(begun).toEqual(['a', 'b', 'c']));
  end('c');
  await done;
  expect(lines).toEqual(['a', 'b', 'c']);
});

it.each([1, 2])('a failure keeps none of the others from it, %d at once', async (atOnce) => {
  const act = async (text: string) => {
    if (text === 'b') throw new VlabError('input', 'No such container: b');
    return text;
  };
  expect(await eachContainer(['a', 'b', 'c'], act, () => {}, atOnce)).toEqual(['a', 'c']);
  expect(told).toContain('No such container: b');
  expect(process.exitCode).toBe(1);
});

it('none named is an error', async () => {
  await expect(
    eachContainer(
      [],
      async (text) => text,
      () => {},
    ),
  ).rejects.toThrow('at least 1 argument');
});

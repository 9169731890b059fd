import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { layerProgress, textOf } from '../../../../src/cli/image/layer-progress.js';
import type { Digest } from '../../../../src/image/descriptor.js';

const layer = (digit: string, size = 2_000_000) => ({
  mediaType: 'x',
  digest: `sha256:${digit.repeat(64)}` as Digest,
  size,
});

it('elsewhere than on a terminal each step is one line', () => {
  let text = '';
  using lines = layerProgress({ write: (more) => (text += more) });
  const descriptor = layer('a');
  lines.show({ descriptor, words: 'Pulling fs layer' });
  for (const doneBytes of [0, 1, 2]) lines.show({ descriptor, words: 'Downloading', doneBytes });
  lines.show({ descriptor, words: 'Pull complete' });
  lines.show({ descriptor, words: 'Pull complete' });
  expect(text).toBe('aaaaaaaaaaaa: Pulling fs layer\naaaaaaaaaaaa: Pull complete\n');
});

it('on a terminal each layer has a line that is rewritten, not more often than eyes can see, and none is too long', () => {
  const screen: string[] = [];
  const output = { isTTY: true, columns: 40, rows: 10, write: (text: string) => screen.push(text) };
  let nowMs = 0;
  {
    using lines = layerProgress(output, () => nowMs);
    lines.show({ descriptor: layer('a'), words: 'Downloading', doneBytes: 0 });
    lines.show({ descriptor: layer('b'), words: 'Downloading', doneBytes: 0 });
    const drawn = screen.length;
    for (let count = 0; count < 100; count++) {
      nowMs += 1;
      lines.show({ descriptor: layer('a'), words: 'Downloading', doneBytes: count * 1000 });
    }
    expect(screen.length - drawn).toBe(1);
    expect(screen.at(-1)?.startsWith('\u001b[2A')).toBe(true);
    for (let count = 0; count < 50; count++) lines.show({ descriptor: layer(`${count}`.padEnd(64, 'f')), words: 'x' });
  }
  const last = stripVTControlCharacters(screen.at(-1) ?? '').split('\n');
  expect(last.length).toBeLessThanOrEqual(10);
  for (const line of last) expect(line.replace('\r', '').length).toBeLessThan(40);
});

it.each([
  [0, '[                              ]  0B/2MB'],
  [1_000_000, '[==============>               ]  1MB/2MB'],
  [2_000_000, '[=============================>]  2MB/2MB'],
])('a bar at %i bytes', (doneBytes, bar) => {
  expect(textOf({ descriptor: layer('a'), words: 'Downloading', doneBytes })).toBe(`aaaaaaaaaaaa: Downloading  ${bar}`);
});

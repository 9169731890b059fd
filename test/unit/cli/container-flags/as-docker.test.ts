// Lines of `create` mean to vlab what docker's own client sends for them (test/fixtures/docker/record-client.mjs).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { messageOf } from '../../../../src/base/errors.js';
import { asDockerSends, plainly } from './as-docker-sends.js';
import { readLine } from './read-line.js';

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../fixtures/docker/client.json'), 'utf8'),
) as Record<string, Record<string, unknown>>;
const lines = Object.entries(recorded).map(([line, made]) => ({ words: JSON.parse(line) as string[], made }));

/** Words of vlab's own, where docker's are those of its language (strconv.ParseInt) or name the short flag too. */
const sameMeaning = (message: string) =>
  message
    .replace(/for "-\w, (--[\w-]+)" flag/, 'for "$1" flag')
    .replace(/, error: strconv.*/, '')
    .replace(/Number must be .*/, '')
    .replace(/\. The correct format.*/, '');

describe('is understood as docker’s client understands it', () => {
  it.each(lines.filter(({ made }) => !('error' in made)))('$words', async ({ words, made }) => {
    expect(asDockerSends(await readLine([...words, 'b']))).toEqual(plainly(made));
  });
});

describe('is refused in docker’s words', () => {
  it.each(lines.filter(({ made }) => 'error' in made))('$words', async ({ words, made }) => {
    const failure = await readLine([...words, 'b']).then(() => 'nothing is refused', messageOf);
    expect(sameMeaning(failure)).toBe(sameMeaning(String(made.error)));
  });
});

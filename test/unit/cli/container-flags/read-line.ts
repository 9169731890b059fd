/** A command line of `run` or `create` as the commands read it. */
import { Parser } from '@oclif/core';
import { CREATE_FLAGS, RUN_FLAGS } from '../../../../src/cli/container-flags/create-flags.js';
import { type AskedLine, type CreateFlags, readContainer } from '../../../../src/cli/container-flags/read-container.js';
import { splitTail } from '../../../../src/cli/tail.js';
import { plainWords, type WordShape } from '../../../../src/cli/words.js';

export const ALL_FLAGS = { ...CREATE_FLAGS, ...RUN_FLAGS };

export async function readLine(words: readonly string[], files: Record<string, string> = {}): Promise<AskedLine> {
  const shapes = ALL_FLAGS as Record<string, WordShape>;
  const { head, tail } = splitTail(words, 'first-positional', shapes);
  const flags = Object.fromEntries(
    Object.entries(ALL_FLAGS).map(([name, flag]) => [name, { ...flag, multipleNonGreedy: true }]),
  );
  const parsed = await Parser.parse(plainWords(head, shapes), { flags: flags as never, args: {}, strict: true });
  return readContainer(parsed.flags as unknown as CreateFlags, tail, {
    env: { FROM_ENV: 'yes' },
    cwd: '/srv',
    readText(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`open ${path}: no such file or directory`);
      return text;
    },
  });
}

import { expect, it } from 'vitest';
import { plainWords, type WordShape } from '../../../src/cli/words.js';

const flags: Record<string, WordShape> = {
  interactive: { type: 'boolean', char: 'i' },
  tty: { type: 'boolean', char: 't' },
  detach: { type: 'boolean', char: 'd' },
  rm: { type: 'boolean' },
  'sig-proxy': { type: 'boolean', allowNo: true },
  env: { type: 'option', char: 'e', multiple: true },
  publish: { type: 'option', char: 'p', multiple: true },
  network: { type: 'option', aliases: ['net'], multiple: true },
  name: { type: 'option' },
  'memory-swap': { type: 'option' },
};

it.each([
  ['-it', '--interactive --tty'],
  ['-dit -p8080:80', '--detach --interactive --tty --publish=8080:80'],
  ['-dp 8080:80 x', '--detach --publish=8080:80 x'],
  ['-e A=B -eC=D -e=E', '--env=A=B --env=C=D --env=E'],
  ['--rm=false', ''],
  ['--rm --rm=false', ''],
  ['--rm=false --rm=1', '--rm'],
  ['-t=false -i=T', '--interactive'],
  ['--sig-proxy=false', '--no-sig-proxy'],
  ['--memory-swap -1', '--memory-swap=-1'],
  ['--net host --network none', '--network=host --network=none'],
  ['--name a --name b', '--name=b'],
  ['--name=a=b', '--name=a=b'],
  ['--name --rm', '--name=--rm'],
  ['--unknown x -z -tz', '--unknown x -z --tty -z'],
  ['-t -- -t', '--tty -- -t'],
  ['- -t', '- --tty'],
  ['', ''],
])('%s', (line, plain) => {
  expect(plainWords(line.split(' ').filter(Boolean), flags).join(' ')).toBe(plain);
});

it.each([
  [['--name'], 'flag needs an argument: --name'],
  [['-te'], "flag needs an argument: 'e' in -te"],
  [['--rm=maybe'], 'invalid argument "maybe" for --rm: it is either true or false'],
])('%s is refused', (words, message) => {
  expect(() => plainWords(words, flags)).toThrow(message);
});

it('keeps empty values and those with spaces', () => {
  expect(plainWords(['--name', '', '-e', 'A=b c'], flags)).toEqual(['--name=', '--env=A=b c']);
});

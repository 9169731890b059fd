import { describe, expect, it } from 'vitest';
import { type FlagShape, splitTail } from '../../../src/cli/tail.js';

const flags: Record<string, FlagShape> = {
  rootfs: { type: 'option' },
  memory: { type: 'option', char: 'm', aliases: ['mem'] },
  tty: { type: 'boolean', char: 't' },
  json: { type: 'boolean' },
};

describe('splitTail with first-positional', () => {
  const split = (line: string) => splitTail(line.split(' ').filter(Boolean), 'first-positional', flags);

  it.each([
    ['--rootfs D ls -la --json', '--rootfs D', 'ls -la --json'],
    ['--rootfs=D ls --help', '--rootfs=D', 'ls --help'],
    ['--rootfs D -- ls -la', '--rootfs D', 'ls -la'],
    ['-t -m 64m sh -c x', '-t -m 64m', 'sh -c x'],
    ['-tm 64m sh -t', '-tm 64m', 'sh -t'],
    ['-m64m sh -t', '-m64m', 'sh -t'],
    ['-m=64m sh', '-m=64m', 'sh'],
    ['--mem 64m sh', '--mem 64m', 'sh'],
    ['alpine -- ls', '', 'alpine -- ls'],
    ['- x', '', '- x'],
    ['--unknown x -y', '--unknown', 'x -y'],
    ['--rootfs D', '--rootfs D', ''],
    ['--rootfs', '--rootfs', ''],
    ['', '', ''],
  ])('%s', (line, head, tail) => {
    const split_ = split(line);
    expect(split_.head.join(' ')).toBe(head);
    expect(split_.tail.join(' ')).toBe(tail);
  });

  it('keeps repeated words of the program in their order, which oclif does not', () => {
    expect(split('test x = x').tail).toEqual(['test', 'x', '=', 'x']);
  });
});

describe('splitTail with dashes', () => {
  it('parses flags after positionals and cuts only at --', () => {
    expect(splitTail(['s.yaml', '--json', '--', 'ls', '--', '-a'], 'dashes', flags)).toEqual({
      head: ['s.yaml', '--json'],
      tail: ['ls', '--', '-a'],
    });
  });

  it("does not take a flag's value for the mark", () => {
    expect(splitTail(['-m', '--', '--', 'ls'], 'dashes', flags)).toEqual({ head: ['-m', '--'], tail: ['ls'] });
  });
});

it('splits nothing for a command without a tail', () => {
  expect(splitTail(['a', '--', 'b'], 'none', flags)).toEqual({ head: ['a', '--', 'b'], tail: [] });
});

describe('splitTail with positionals', () => {
  const split = (line: string) => splitTail(line.split(' ').filter(Boolean), 'positionals', flags);

  it.each([
    ['web -t db', '-t', 'web db'],
    ['web -m 64m db --rootfs D', '-m 64m --rootfs D', 'web db'],
    ['-t web -- -t --rootfs', '-t', 'web -t --rootfs'],
    ['web web', '', 'web web'],
    ['- web --json', '--json', '- web'],
    ['web --unknown x', '--unknown', 'web x'],
    ['', '', ''],
  ])('%s', (line, head, tail) => {
    expect(split(line)).toEqual({ head: head.split(' ').filter(Boolean), tail: tail.split(' ').filter(Boolean) });
  });
});

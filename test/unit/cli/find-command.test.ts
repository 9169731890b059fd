import { expect, it } from 'vitest';
import { colourWanted } from '../../../src/cli/colour.js';
import { findCommand } from '../../../src/cli/find-command.js';

const ids = new Set(['run', 'vm:run', 'scenario:check']);
const find = (line: string) => findCommand(line.split(' '), (id) => ids.has(id));

it('finds the longest command and leaves the rest untouched', () => {
  expect(find('vm run --rootfs D run')).toEqual({ id: 'vm:run', rest: ['--rootfs', 'D', 'run'] });
  expect(find('run vm run')).toEqual({ id: 'run', rest: ['vm', 'run'] });
});

it('leaves topics, plugins, options and odd names to oclif', () => {
  for (const line of ['vm', 'vm rnu', 'help run', '--version', '../run', 'Run', '', 'scenario'])
    expect(find(line)).toBeUndefined();
});

it('colours by FORCE_COLOR, then NO_COLOR, then the terminal', () => {
  const tty = { isTTY: true };
  expect(colourWanted(tty, {})).toBe(true);
  expect(colourWanted({}, {})).toBe(false);
  expect(colourWanted(tty, { NO_COLOR: '1' })).toBe(false);
  expect(colourWanted(tty, { NO_COLOR: '' })).toBe(true);
  expect(colourWanted({}, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true);
  expect(colourWanted(tty, { FORCE_COLOR: '0' })).toBe(false);
  expect(colourWanted(tty, { TERM: 'dumb' })).toBe(false);
});

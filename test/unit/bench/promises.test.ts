import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { promiseRows, replaceBetween } from '../../../bench/promises.js';

const root = join(import.meta.dirname, '../../..');

describe('docs/promises.md', () => {
  const document = readFileSync(join(root, 'docs/promises.md'), 'utf8');
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const rows = promiseRows(document);

  it('names in each row a command that makes the figure, and that exists', () => {
    expect(rows.length).toBeGreaterThan(10);
    for (const { row, commands } of rows) {
      expect(commands, row).not.toEqual([]);
      for (const command of commands) expect(Object.keys(scripts), row).toContain(scriptOf(command));
    }
  });

  it('has the four promises of a start, each with its figure', () => {
    const kept = rows.filter(({ row }) => /≤/.test(row)).map(({ row }) => row.split('|')[1]?.trim());
    for (const name of ['launcher exec : floor exec', 'vlab-help whole : node whole', 'vlab-run whole : node whole']) {
      expect(kept).toContain(name);
    }
    expect(document).toContain('vm ready : qemu ready');
  });
});

describe('promise rows', () => {
  it('are the rows of tables, without heads and rulers', () => {
    const text = [
      'text `npm test`',
      '| what | command |',
      '|---|:-:|',
      '| a | `npm run bench -- --blocks 2` |',
      '',
      '| b | `npm test` |',
    ];
    expect(promiseRows(text.join('\n')).map(({ commands }) => commands)).toEqual([
      ['npm run bench -- --blocks 2'],
      ['npm test'],
    ]);
  });
});

describe('text between markers', () => {
  it('is replaced, and the rest is kept', () => {
    const before = 'head\n<!-- x -->\nold\n<!-- /x -->\ntail\n';
    const after = 'head\n<!-- x -->\n\nnew\n\n<!-- /x -->\ntail\n';
    expect(replaceBetween(before, 'x', 'new')).toBe(after);
    expect(replaceBetween(after, 'x', ' new\n')).toBe(after);
  });

  it.each(['', '<!-- /x --> <!-- x -->'])('is an error without its markers: %j', (document) => {
    expect(() => replaceBetween(document, 'x', 'new')).toThrow('no place');
  });
});

/** `npm run bench -- --blocks 2` → bench, `npm test` → test. */
function scriptOf(command: string): string {
  const words = command.split(' ').slice(1);
  return (words[0] === 'run' ? words[1] : words[0]) ?? '';
}

/** docs/promises.md: text between markers is written by the bench that the marker names. Pure. */
import { VlabError } from '../src/base/errors.js';

/** `document` with `content` between `<!-- NAME -->` and `<!-- /NAME -->`. Throws when the markers are not there. */
export function replaceBetween(document: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = document.indexOf(open);
  const to = document.indexOf(close);
  if (from < 0 || to < from) {
    throw new VlabError('operation', `the document has no place ${open} … ${close}`, {
      hint: 'put the two markers back on lines of their own',
    });
  }
  return `${document.slice(0, from + open.length)}\n\n${content.trim()}\n\n${document.slice(to)}`;
}

/** The commands in backticks of each table row of a Markdown document that begins with a promise; head rows are left out. */
export function promiseRows(document: string): { row: string; commands: string[] }[] {
  return document
    .split('\n')
    .filter((line, index, lines) => isRow(line) && !isRuler(line) && !isRuler(lines[index + 1] ?? ''))
    .map((row) => ({ row, commands: [...row.matchAll(/`(npm [^`]+)`/g)].map(([, command = '']) => command) }));
}

const isRow = (line: string) => line.startsWith('|');
const isRuler = (line: string) => /^\|[\s:|-]+\|$/.test(line);

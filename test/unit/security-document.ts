/** docs/security.md as data: its tables, by the heading above them. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const REPOSITORY = resolve(import.meta.dirname, '../..');

const lines = readFileSync(resolve(REPOSITORY, 'docs/security.md'), 'utf8').split('\n');

const levelOf = (line: string) => /^(#+) /.exec(line)?.[1]?.length ?? Number.POSITIVE_INFINITY;
const isRule = (line: string | undefined) => line !== undefined && /^\|[-| ]+\|$/.test(line);

/** The rows of all tables below that heading, as cells, without heads. Throws when there are none. */
export function rowsBelow(heading: string): string[][] {
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && line !== heading);
  const level = levelOf(lines[start] ?? '');
  const length = lines.slice(start + 1).findIndex((line) => levelOf(line) <= level);
  const section = lines.slice(start + 1, length < 0 ? undefined : start + 1 + length);
  const rows = section.filter((line, at) => line.startsWith('|') && !isRule(line) && !isRule(section[at + 1]));
  if (start < 0 || rows.length === 0) throw new Error(`docs/security.md has no table below "${heading}"`);
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** What is quoted as code in a cell. */
export const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, one = '']) => one);

/** The first column of a table of differences from docker. */
export const listedDifferences = (heading: string): string[] =>
  rowsBelow(heading).flatMap(([first = '']) => quoted(first));

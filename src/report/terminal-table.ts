/** Tables for the terminal: no lines, the first column to the left, figures to the right, never wider than asked. */
import { stripVTControlCharacters, styleText } from 'node:util';
import Table from 'cli-table3';

export interface TerminalOptions {
  /** The caller has looked at NO_COLOR and at the terminal. */
  color: boolean;
  /** Default 100. */
  columns?: number;
}

const GAP = 2;
const LEAST_TEXT = 12;

/** `numbers` are the indexes of the columns with figures. The widest texts wrap when the lines would be too long. */
export function terminalTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[],
  { color, columns = 100 }: TerminalOptions,
): string {
  const widths = head.map((name, at) => Math.max(widthOf(name), ...rows.map((row) => widthOf(row[at] ?? ''))));
  const isText = (at: number): boolean => !numbers.includes(at);
  for (;;) {
    const total = widths.reduce((sum, width) => sum + width + GAP, -GAP);
    const widest = Math.max(...widths.filter((_, at) => isText(at)));
    if (total <= columns || widest <= LEAST_TEXT) break;
    widths[widths.findIndex((width, at) => isText(at) && width === widest)] = widest - 1;
  }
  const table = new Table({
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': GAP, head: [], border: [], compact: true },
    colAligns: head.map((_, at) => (numbers.includes(at) ? 'right' : 'left')),
    colWidths: widths.map((width) => width + GAP),
    wordWrap: true,
  });
  table.push(
    head.map((name) => faint(name, color)),
    ...rows.map((row) => [...row]),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

export function bold(text: string, color: boolean): string {
  return color ? styleText('bold', text, { validateStream: false }) : text;
}

export function faint(text: string, color: boolean): string {
  return color ? styleText('dim', text, { validateStream: false }) : text;
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

const NO_LINES = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
);

/** Breaks a note between words; its further lines are indented. Control characters in it never reach the terminal. */
export function wrap(text: string, columns: number): string {
  const lines: string[] = [];
  for (const word of text.replace(/\p{Cc}+/gu, ' ').split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : `  ${word}`);
  }
  return lines.join('\n');
}

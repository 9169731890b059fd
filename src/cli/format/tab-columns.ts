/** Go's text/tabwriter with docker's settings: cells end at tabs, a column is as wide as its widest cell. Pure. */

const LEAST_WIDTH = 10;
const PADDING = 3;

/**
 * Lines whose cells are separated by tabs, aligned. A column reaches over neighbouring lines that have that cell; the last cell of
 * a line belongs to no column.
 */
export function alignTabs(text: string): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const widths = lines.map((cells) => new Array<number>(cells.length).fill(0));
  const columns = Math.max(0, ...lines.map((cells) => cells.length - 1));
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < lines.length; first++) {
      let end = first;
      let width = LEAST_WIDTH;
      for (; end < lines.length && column < (lines[end]?.length ?? 0) - 1; end++) {
        width = Math.max(width, lengthOf(lines[end]?.[column] ?? '') + PADDING);
      }
      for (let line = first; line < end; line++) {
        const ofLine = widths[line];
        if (ofLine) ofLine[column] = width;
      }
      first = Math.max(first, end - 1);
    }
  }
  return lines.map((cells, line) => cells.map((cell, at) => pad(cell, widths[line]?.[at] ?? 0)).join('')).join('\n');
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - lengthOf(cell)));
}

function lengthOf(cell: string): number {
  return [...cell].length;
}

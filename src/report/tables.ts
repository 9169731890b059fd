/** HTML tables. Each lies in a box that scrolls by itself, so that the page never does. */
import type { SummaryLine } from '../lab/summarise.js';
import type { Difference } from './differences.js';
import { html, type Markup, trusted } from './html-text.js';
import { armName, FIGURES, figureCells, metricTitle, numericFigures } from './wording.js';

/** Opens the box. It can be reached and scrolled by the keyboard. */
export const SCROLL = trusted('<div class="scroll" role="region" aria-label="table" tabindex="0">');

export type Cell = string | number | Markup;

/** The first column names the row. `numbers` are the indexes of the columns with figures. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  numbers: readonly number[] = [],
): Markup {
  const isNumber = head.map((_, index) => numbers.includes(index));
  return html`${SCROLL}<table>
<thead><tr>${head.map((name, index) => (isNumber[index] ? html`<th scope="col" class="number">${name}</th>` : html`<th scope="col">${name}</th>`))}</tr></thead>
<tbody>
${rows.map(
  (row) =>
    html`<tr>${row.map((cell, index) =>
      index === 0
        ? html`<th scope="row">${cell}</th>`
        : isNumber[index]
          ? html`<td class="number">${cell}</td>`
          : typeof cell === 'string' && cell.length > 32
            ? html`<td class="text">${cell}</td>`
            : html`<td>${cell}</td>`,
    )}</tr>\n`,
)}</tbody></table></div>`;
}

/** Lines of the summary, in milliseconds. */
export function summaryTable(lines: readonly SummaryLine[]): Markup {
  return table(
    ['arm', 'time to', ...FIGURES],
    lines.map((line) => [armName(line), metricTitle(line.metric), ...figureCells(line)]),
    numericFigures(2),
  );
}

/** Properties down, arms across. Neighbours that agree share a cell, so that a difference stands out. */
export function differencesTable(arms: readonly string[], rows: readonly Difference[]): Markup {
  return html`${SCROLL}<table class="differences">
<thead><tr><td></td>${arms.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map(
  ({ property, values }) =>
    html`<tr><th scope="row">${property}</th>${runsOf(values).map(({ value, length }) => html`<td colspan="${length}">${value}</td>`)}</tr>\n`,
)}</tbody></table></div>`;
}

/** a a b → a twice, b once */
function runsOf(values: readonly string[]): { value: string; length: number }[] {
  const runs: { value: string; length: number }[] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last?.value === value) last.length++;
    else runs.push({ value, length: 1 });
  }
  return runs;
}

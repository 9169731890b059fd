import type { Checked, Status } from './check.js';

const MARKS: Record<Status, string> = { ok: '✓', note: '–', fail: '✗' };
const COLOURS: Record<Status, number> = { ok: 32, note: 33, fail: 31 };
const TITLE_WIDTH = 34;

/** One line for what was found, and one more for the way to mend it. */
export function renderChecked(checked: Checked, colour: boolean): string {
  const mark = paint(MARKS[checked.status], COLOURS[checked.status], colour);
  const line = `${mark} ${checked.title.padEnd(TITLE_WIDTH)} ${checked.detail}`.trimEnd();
  return checked.mend === undefined ? line : `${line}\n  ${paint('mend:', 1, colour)} ${checked.mend}`;
}

/** The last line: what the checks mean together. */
export function renderVerdict(all: readonly Checked[]): string {
  const failed = all.filter((checked) => checked.status === 'fail').length;
  const notes = all.filter((checked) => checked.status === 'note').length;
  if (failed > 0) return `${failed} of ${all.length} checks failed that vlab needs; mend those marked ✗.`;
  if (notes > 0) return `vlab can work here; ${notes} of ${all.length} checks found something that it does without.`;
  return `All ${all.length} checks passed.`;
}

function paint(text: string, code: number, colour: boolean): string {
  return colour ? `\u001b[${code}m${text}\u001b[0m` : text;
}

import { VlabError } from '../base/errors.js';

/** One thing that is wrong with a scenario file, and where: 1-based line and column. */
export interface Complaint {
  file: string;
  line: number;
  col: number;
  message: string;
}

/** `file:line:col: message`, the form that editors and terminals make clickable. */
export function complaintLine({ file, line, col, message }: Complaint): string {
  return `${file}:${line}:${col}: ${message}`;
}

/** Everything that is wrong with scenario files at once, file by file and from top to bottom. */
export class ScenarioError extends VlabError {
  readonly complaints: Complaint[];

  constructor(complaints: readonly Complaint[]) {
    const files = [...new Set(complaints.map(({ file }) => file))];
    const sorted = [...complaints].sort(
      (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.col - b.col,
    );
    const count = sorted.length === 1 ? 'an error' : `${sorted.length} errors`;
    super('input', [`${count} in ${files.join(', ')}`, ...sorted.map(complaintLine)].join('\n'), {
      hint: 'docs/scenario-format.md lists every key; `vlab scenario schema` prints them for an editor',
    });
    this.complaints = sorted;
  }
}

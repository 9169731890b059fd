import { VlabError } from '../../base/errors.js';
import type { Verb } from '../invocation.js';
import { findContainer } from '../locked-container.js';
import { Container, listIds, ociState } from '../state.js';
import { userName } from '../user-name.js';

/** All containers of a root: as a table, as JSON, or only their ids. */
export const list: Verb = async ({ globals, flags }) => {
  const format = flags.string('format') ?? 'table';
  if (format !== 'table' && format !== 'json')
    throw new VlabError('input', `invalid format option ${format}: table or json`);
  const rows = listIds(globals.root).flatMap((id) => {
    try {
      const { record, status } = findContainer(new Container(globals.root, id));
      const { pid, ...state } = ociState(record, status);
      return [{ ...state, pid: pid ?? 0, rootfs: record.rootfs, created: record.created, owner: userName(record.uid) }];
    } catch (error) {
      if (error instanceof VlabError) return []; // it is being made or removed at this moment
      throw error;
    }
  });
  const text = flags.has('quiet')
    ? rows.map(({ id }) => `${id}\n`).join('')
    : format === 'json'
      ? `${JSON.stringify(rows)}\n`
      : table(
          ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
          rows.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner]),
        );
  return { exitCode: 0, stdout: text };
};

/** Columns as wide as their widest cell, three spaces apart. */
function table(head: string[], rows: string[][]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3))
          .join('')
          .trimEnd()}\n`,
    )
    .join('');
}

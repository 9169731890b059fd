/**
 * trials.csv as text: RFC 4180 (CRLF, a header line, quotes where needed), so that a spreadsheet and DuckDB open it as it
 * is. Pure; results.ts writes the bytes. No field holds a line break (`oneLine` sees to that), so a line is a row.
 */
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { VlabError } from '../base/errors.js';
import type { Accel } from '../drivers/driver.js';
import { type Outcome, ROW_COLUMNS, type Row, START_METRICS } from './row.js';

export const ROWS_HEADER = `${ROW_COLUMNS.join(',')}\r\n`;

const OUTCOMES: readonly Outcome[] = ['ok', 'failed', 'timeout', 'cancelled', 'skipped'];
const METRICS: readonly string[] = [...START_METRICS, 'start'];
const ACCELS: readonly Accel[] = ['', 'kvm', 'tcg'];

/** The rows as lines, without the header. */
export function encodeRows(rows: readonly Row[]): string {
  return stringify(rows as Row[], {
    columns: [...ROW_COLUMNS],
    record_delimiter: 'windows',
    cast: { boolean: (value) => String(value) },
  });
}

/**
 * Lines of trials.csv (without the header) → rows. Throws an `input` error that names the first line that is none;
 * `firstLine` is the number of the first line given, for that message.
 */
export function decodeRows(lines: string, firstLine = 2): Row[] {
  let records: string[][];
  try {
    records = parse(lines, { relax_column_count: true });
  } catch (cause) {
    throw new VlabError('input', `the rows from line ${firstLine} on are no CSV`, { cause });
  }
  return records.map((record, index) => {
    const row = decodeRow(record);
    if (!row)
      throw new VlabError(
        'input',
        `line ${firstLine + index} of trials.csv is no row: ${record.join(',').slice(0, 80)}`,
      );
    return row;
  });
}

/** The whole file, header included → rows. */
export function decodeRowsFile(text: string): Row[] {
  if (!text.startsWith(ROWS_HEADER))
    throw new VlabError('input', `trials.csv does not start with ${ROWS_HEADER.trim()}`);
  return decodeRows(text.slice(ROWS_HEADER.length));
}

/** Text for a field: line breaks and control characters become spaces, and it is cut to a readable length. */
export function oneLine(text: string): string {
  const flat = text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return flat.length > 300 ? `${flat.slice(0, 299)}…` : flat;
}

function decodeRow(record: readonly string[]): Row | undefined {
  if (record.length !== ROW_COLUMNS.length) return undefined;
  const [block, order, arm, driver, metric, value, unit, outcome, reason, warmup, startedAtNs, accel] =
    record as string[];
  const valid =
    isInteger(block) &&
    isInteger(order) &&
    METRICS.includes(metric as string) &&
    (value === '' || Number.isFinite(Number(value))) &&
    unit === 'ns' &&
    OUTCOMES.includes(outcome as Outcome) &&
    (warmup === 'true' || warmup === 'false') &&
    /^\d*$/.test(startedAtNs as string) &&
    ACCELS.includes(accel as Accel);
  if (!valid) return undefined;
  return {
    block: Number(block),
    order: Number(order),
    arm: arm as string,
    driver: driver as string,
    metric: metric as Row['metric'],
    value: value === '' ? undefined : Number(value),
    unit: 'ns',
    outcome: outcome as Outcome,
    reason: reason as string,
    warmup: warmup === 'true',
    started_at_ns: startedAtNs as string,
    accel: accel as Accel,
  };
}

function isInteger(text: string | undefined): boolean {
  return /^-?\d+$/.test(text ?? '');
}

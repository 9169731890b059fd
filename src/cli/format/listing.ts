/** What `ps`, `images`, `network ls` and their like print: a table, JSON lines, or what a template says. Pure. */

import { alignTabs } from './tab-columns.js';
import { HEADER_FUNCTIONS } from './template/functions.js';
import { goJson } from './template/values.js';
import { compileTemplate } from './template.js';
import { printable } from './terminal-text.js';

export interface Field<Row> {
  /** Over its column. */
  header: string;
  value: (row: Row) => string | boolean | number | undefined;
}

export interface Listing<Row> {
  /** The Go type of a row in docker's messages: `*formatter.ContainerContext`. */
  typeName: string;
  /** By the names that templates use. */
  fields: Readonly<Record<string, Field<Row>>>;
  /** What `{{.Label "x"}}` is about. */
  labels?: (row: Row) => Readonly<Record<string, string>>;
  /** The template of the table, without `table `. */
  table: string;
  /** The field that -q prints. */
  quiet: string;
}

export interface ListingStyle {
  /** `--format`: `table`, `table TEMPLATE`, `json` or a template; absent: the listing's table. */
  format?: string | undefined;
  quiet?: boolean | undefined;
  /** Of the table, in place of the listing's own. */
  table?: string | undefined;
  headings?: boolean | undefined;
  /** The text goes to a terminal: control characters in values are written out. Tables do so always. */
  escape?: boolean | undefined;
}

const COMPLAINTS = { parseComplaint: 'failed to parse template', evaluateComplaint: 'failed to execute template' };

/** The whole text, each line ended; empty where there is nothing to say. Error (`input`): a mistake in the template. */
export function renderListing<Row>(rows: readonly Row[], listing: Listing<Row>, style: ListingStyle = {}): string {
  const { format = 'table', quiet = false, headings = true } = style;
  const asTable = quiet ? undefined : tableTemplate(format, style.table ?? listing.table);
  const template = quiet ? `{{.${listing.quiet}}}` : (asTable ?? (format === 'json' ? '{{json .}}' : format));
  const source = unescaped(template);
  const show = compileTemplate(source, { ...COMPLAINTS, typeName: listing.typeName });
  const escapes = asTable !== undefined || style.escape === true;
  const lines = rows.map((row) => show(rowValue(row, listing, escapes)));
  if (asTable === undefined) return lines.map((line) => `${line}\n`).join('');
  const header = headings ? [headerOf(source, listing)] : [];
  return `${alignTabs([...header, ...lines].join('\n'))}\n`;
}

/** Undefined: it is not a table. */
function tableTemplate(format: string, standard: string): string | undefined {
  if (format === '' || format === 'table') return standard;
  return format.startsWith('table ') ? format.slice('table '.length).trim() : undefined;
}

/** Shells pass `\t` as two signs. */
function unescaped(template: string): string {
  return template.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}

/** A field is computed when the template asks for it: some cost a walk over a disk. */
function rowValue<Row>(row: Row, { fields, labels }: Listing<Row>, escapes: boolean): object {
  const value = {};
  for (const name of Object.keys(fields).sort()) {
    Object.defineProperty(value, name, { enumerable: true, get: () => shown(fields[name]?.value(row), escapes) });
  }
  if (labels) {
    Object.defineProperty(value, 'Label', {
      enumerable: true,
      value: (key: string) => shown(labels(row)[key] ?? '', escapes),
    });
  }
  return value;
}

function shown(value: unknown, escapes: boolean): unknown {
  return escapes && typeof value === 'string' ? printable(value) : value;
}

function headerOf<Row>(source: string, { fields, typeName }: Listing<Row>): string {
  const names = Object.entries(fields).map(([name, { header }]) => [name, header] as const);
  const header = { ...Object.fromEntries(names), Label: labelHeader };
  return compileTemplate(source, { ...COMPLAINTS, functions: HEADER_FUNCTIONS, typeName })(header);
}

/** `com.example.some-thing` stands over its column as `some thing`. */
function labelHeader(key: string): string {
  return (key.split('.').at(-1) ?? '').replace(/[-_]/g, ' ');
}

/** One value by `--format`: docker's `info`, `version`, `inspect`. */
export function renderJson(value: unknown, forTerminal: boolean): string {
  const text = goJson(value, '    ');
  // What JSON leaves as it is may still turn a terminal's line round; inside of JSON it can only be in a string.
  return forTerminal
    ? text.replace(BEYOND_JSON, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : text;
}

const BEYOND_JSON = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

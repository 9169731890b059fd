/**
 * A Dockerfile as instructions that are not yet understood: lines put together, comments left out, here-documents taken in
 * (docs.docker.com/reference/dockerfile, "Format", "Parser directives", "Here-documents"). Pure.
 */
import { dockerfileFault } from './fault.js';

export interface HereDocument {
  name: string;
  content: string;
  /** Variables in it are replaced: its name is not quoted. */
  expand: boolean;
}

export interface LogicalLine {
  /** The first physical line, from 1. */
  line: number;
  /** Without line ends that were escaped, comments, and here-documents. */
  text: string;
  hereDocuments: HereDocument[];
}

export interface SplitDockerfile {
  /** `\` or a backtick. */
  escapeSign: string;
  /** `# syntax=`: accepted, and without effect. */
  syntax?: string | undefined;
  lines: LogicalLine[];
}

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const COMMENT = /^\s*#/;
const HERE_MARK = /(?:^|\s)\d*<<(-?)(?:"([^"\s]+)"|'([^'\s]+)'|([^\s<"'&|;()]+))(?=\s|$|[|;&>])/g;

/** Error (`input`): a directive twice, an escape that is none, a here-document without an end. */
export function splitDockerfile(source: string, file: string): SplitDockerfile {
  const physical = source.replace(/^\ufeff/, '').split(/\r?\n/);
  const directives = readDirectives(physical, file);
  const escapeSign = directives.get('escape') ?? '\\';
  if (escapeSign !== '\\' && escapeSign !== '`') {
    throw dockerfileFault(file, 1, `invalid ESCAPE '${escapeSign}': must be \\ or \``);
  }
  const continued = new RegExp(`\\${escapeSign}[ \\t]*$`);
  const lines: LogicalLine[] = [];
  for (let at = 0; at < physical.length; at++) {
    const first = physical[at] ?? '';
    if (COMMENT.test(first) || first.trim() === '') continue;
    const line = at + 1;
    let text = first.trimStart();
    while (continued.test(text)) {
      text = text.replace(continued, '');
      at++;
      // Comments and empty lines between do not end it.
      while (at < physical.length && (COMMENT.test(physical[at] ?? '') || (physical[at] ?? '').trim() === '')) at++;
      if (at >= physical.length) break;
      text += physical[at];
    }
    const hereDocuments: HereDocument[] = [];
    for (const mark of marksOf(text)) {
      const begin = at + 1;
      const body: string[] = [];
      for (at++; ; at++) {
        const next = physical[at];
        if (next === undefined) throw dockerfileFault(file, line, `unterminated heredoc <<${mark.name}`);
        const shown = mark.tabs ? next.replace(/^\t+/, '') : next;
        if (shown === mark.name) break;
        body.push(shown);
      }
      if (at < begin) throw dockerfileFault(file, line, `unterminated heredoc <<${mark.name}`);
      hereDocuments.push({
        name: mark.name,
        content: body.map((each) => `${each}\n`).join(''),
        expand: mark.expand,
      });
    }
    lines.push({ line, text: text.trimEnd(), hereDocuments });
  }
  return { escapeSign, syntax: directives.get('syntax'), lines };
}

/** Only at the very beginning of the file. */
function readDirectives(physical: readonly string[], file: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [at, line] of physical.entries()) {
    const [, name = '', value = ''] = DIRECTIVE.exec(line) ?? [];
    const key = name.toLowerCase();
    if (!['escape', 'syntax', 'check'].includes(key)) break;
    if (found.has(key)) throw dockerfileFault(file, at + 1, `only one ${key} parser directive can be used`);
    found.set(key, value);
  }
  return found;
}

/** Here-documents are for RUN, COPY and ADD, and not in the JSON form. */
function marksOf(text: string): { name: string; tabs: boolean; expand: boolean }[] {
  const [, rest] = /^(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s+((?:--\S+\s+)*[^[\s].*)$/is.exec(text) ?? [];
  if (rest === undefined) return [];
  return [...rest.matchAll(HERE_MARK)].map(([, dash, double, single, bare = '']) => ({
    name: double ?? single ?? bare,
    tabs: dash === '-',
    expand: double === undefined && single === undefined,
  }));
}

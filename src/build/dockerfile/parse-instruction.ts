/** One logical line to an instruction (BuildKit's frontend/dockerfile/instructions/parse.go). Pure. */
import { nearest } from '../../base/nearest.js';
import { dockerfileFault } from './fault.js';
import type { CommandForm, Instruction, Pair } from './instruction.js';
import type { LogicalLine } from './lines.js';
import { splitWords } from './words.js';

/** Flags by instruction: with a value, or without one. */
const FLAGS: Readonly<Record<string, Readonly<Record<string, 'value' | 'boolean' | 'many'>>>> = {
  FROM: { platform: 'value' },
  RUN: { network: 'value' },
  COPY: { from: 'value', chown: 'value', chmod: 'value', link: 'boolean', parents: 'boolean', exclude: 'many' },
  ADD: { chown: 'value', chmod: 'value', checksum: 'value', link: 'boolean', exclude: 'many' },
  HEALTHCHECK: {
    interval: 'value',
    timeout: 'value',
    'start-period': 'value',
    'start-interval': 'value',
    retries: 'value',
  },
};

const KEYWORDS = [
  ...['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'MAINTAINER'],
  ...['ONBUILD', 'RUN', 'SHELL', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'],
];

export interface SplitInstruction {
  keyword: string;
  flags: Map<string, string[]>;
  rest: string;
}

/** Error (`input`): no such instruction, or no such flag of it. */
export function splitInstruction({ text, line }: LogicalLine, file: string): SplitInstruction {
  const [, word = '', after = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  const keyword = word.toUpperCase();
  if (!KEYWORDS.includes(keyword)) {
    const meant = nearest(keyword, KEYWORDS);
    throw dockerfileFault(file, line, `unknown instruction: ${word}${meant ? ` (did you mean ${meant}?)` : ''}`);
  }
  const flags = new Map<string, string[]>();
  let rest = after;
  for (;;) {
    const [all = '', flag] = /^--(\S*)\s*/.exec(rest) ?? [];
    if (flag === undefined) break;
    rest = rest.slice(all.length);
    if (flag === '') break;
    addFlag(flags, keyword, flag, file, line);
  }
  return { keyword, flags, rest: rest.trim() };
}

function addFlag(flags: Map<string, string[]>, keyword: string, flag: string, file: string, line: number): void {
  const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(flag) ?? [];
  const known = FLAGS[keyword] ?? {};
  const shape = Object.hasOwn(known, name) ? known[name] : undefined;
  if (keyword === 'RUN' && ['mount', 'security', 'device'].includes(name)) {
    throw dockerfileFault(file, line, `RUN --${name} is not supported here`);
  }
  if (!shape) {
    const meant = nearest(name, Object.keys(known));
    throw dockerfileFault(file, line, `unknown flag: --${name}${meant ? ` (did you mean --${meant}?)` : ''}`);
  }
  if (shape !== 'boolean' && value === undefined)
    throw dockerfileFault(file, line, `missing a value on flag: --${name}`);
  if (flags.has(name) && shape !== 'many') throw dockerfileFault(file, line, `duplicate flag specified: --${name}`);
  flags.set(name, [...(flags.get(name) ?? []), value ?? 'true']);
}

/** Any instruction but FROM. `escapeSign`: the file's. */
export function parseInstruction(logical: LogicalLine, file: string, escapeSign: string): Instruction {
  const { keyword, flags, rest } = splitInstruction(logical, file);
  const { line, text, hereDocuments } = logical;
  const fault = (what: string) => dockerfileFault(file, line, what);
  if (rest === '' && keyword !== 'CMD' && keyword !== 'ENTRYPOINT') {
    throw fault(`${keyword} requires ${NEEDS[keyword] ?? 'at least one argument'}`);
  }
  const placed = { line, text };
  const flag = (name: string) => flags.get(name)?.[0];
  switch (keyword) {
    case 'RUN': {
      const network = flag('network');
      const command = commandForm(rest);
      return { ...placed, kind: 'RUN', command, hereDocuments, ...(network !== undefined && { network }) };
    }
    case 'CMD':
    case 'ENTRYPOINT':
      return { ...placed, kind: keyword, command: commandForm(rest) };
    case 'COPY':
    case 'ADD': {
      const words = jsonWords(rest) ?? splitWords(rest, escapeSign);
      if (words.length < 2) throw fault(`${keyword} requires at least two arguments`);
      const marks = new Set(hereDocuments.map(({ name }) => name));
      const sources = words
        .slice(0, -1)
        .filter((word) => !marks.has(word.replace(/^\d*<<-?/, '').replace(/["']/g, '')));
      return {
        ...placed,
        kind: keyword,
        sources,
        destination: words.at(-1) ?? '',
        hereDocuments,
        exclude: flags.get('exclude') ?? [],
        parents: flag('parents') === 'true',
        ...optional('from', flag('from')),
        ...optional('chown', flag('chown')),
        ...optional('chmod', flag('chmod')),
        ...optional('checksum', flag('checksum')),
      };
    }
    case 'ENV':
    case 'LABEL':
      return { ...placed, kind: keyword, pairs: pairsOf(rest, escapeSign, keyword, fault) };
    case 'ARG':
      return { ...placed, kind: 'ARG', pairs: splitWords(rest, escapeSign).map((word) => argOf(word, fault)) };
    case 'EXPOSE':
      return { ...placed, kind: 'EXPOSE', words: splitWords(rest, escapeSign) };
    case 'VOLUME':
      return { ...placed, kind: 'VOLUME', words: jsonWords(rest) ?? splitWords(rest, escapeSign) };
    case 'SHELL': {
      const words = jsonWords(rest);
      if (!words || words.length === 0) throw fault('SHELL requires the arguments to be in JSON form');
      return { ...placed, kind: 'SHELL', words };
    }
    case 'USER':
    case 'WORKDIR':
    case 'STOPSIGNAL':
    case 'MAINTAINER':
      return { ...placed, kind: keyword, value: rest };
    case 'HEALTHCHECK':
      return { ...placed, ...healthCheck(rest, flag, fault) };
    case 'ONBUILD': {
      const [trigger = ''] = /^\S+/.exec(rest) ?? [];
      if (['ONBUILD', 'FROM', 'MAINTAINER'].includes(trigger.toUpperCase())) {
        throw fault(`${trigger.toUpperCase()} isn't allowed as an ONBUILD trigger`);
      }
      parseInstruction({ line, text: rest, hereDocuments }, file, escapeSign); // what is wrong is told now, not in a later build
      return { ...placed, kind: 'ONBUILD', trigger: rest };
    }
    default:
      throw fault(`${keyword} cannot stand here`);
  }
}

const NEEDS: Readonly<Record<string, string>> = { COPY: 'at least two arguments', ADD: 'at least two arguments' };

function optional<K extends string>(name: K, value: string | undefined): { [key in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]: string });
}

/** A JSON list of strings; undefined: it is none, and the words are read as they stand. */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}

function commandForm(text: string): CommandForm {
  const words = jsonWords(text);
  return words ? { kind: 'exec', words } : { kind: 'shell', line: text };
}

/** `a=1 b="2 3"`, or the old `a the whole rest`. */
function pairsOf(text: string, escapeSign: string, keyword: string, fault: (what: string) => Error): Pair[] {
  const words = splitWords(text, escapeSign);
  const [first = ''] = words;
  if (!first.includes('=')) {
    const [, key = '', value] = /^(\S+)(?:\s+(.*))?$/s.exec(text) ?? [];
    if (value === undefined) throw fault(`${keyword} must have two arguments`);
    return [{ key, value }];
  }
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at < 0) throw fault(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    if (at === 0) throw fault(`${keyword} names can not be blank`);
    return { key: word.slice(0, at), value: word.slice(at + 1) };
  });
}

function argOf(word: string, fault: (what: string) => Error): Pair {
  const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  if (key === '') throw fault('ARG names can not be blank');
  return value === undefined ? { key } : { key, value };
}

const UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Go's time.ParseDuration, of which a health check takes the positive ones. Nanoseconds; undefined: it is none. */
function durationNs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g);
  return [...parts].reduce((total, [, amount, unit = 's']) => total + Number(amount) * (UNITS_NS[unit] ?? 0), 0);
}

function healthCheck(rest: string, flag: (name: string) => string | undefined, fault: (what: string) => Error) {
  const duration = (name: string) => {
    const text = flag(name);
    if (text === undefined) return undefined;
    const ns = durationNs(text);
    if (ns === undefined || (ns !== 0 && ns < 1e6))
      throw fault(`Interval "${name}" cannot be ${text}: at least 1ms, written as 30s`);
    return ns;
  };
  const retries = flag('retries');
  if (retries !== undefined && !/^\d+$/.test(retries)) throw fault(`--retries must be a number, not ${retries}`);
  const given = {
    intervalNs: duration('interval'),
    timeoutNs: duration('timeout'),
    startPeriodNs: duration('start-period'),
    startIntervalNs: duration('start-interval'),
    retries: retries === undefined ? undefined : Number(retries),
  };
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const [, type = '', command = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
  if (type.toUpperCase() === 'NONE') {
    if (command !== '') throw fault('HEALTHCHECK NONE takes no arguments');
    return { kind: 'HEALTHCHECK' as const, options };
  }
  if (type.toUpperCase() !== 'CMD') throw fault(`Unknown type "${type}" in HEALTHCHECK (try CMD)`);
  if (command === '') throw fault('Missing command after HEALTHCHECK CMD');
  return { kind: 'HEALTHCHECK' as const, options, command: commandForm(command) };
}

/** .dockerignore: which files of the context are not there for the build (moby/patternmatcher). Pure. */
import { VlabError } from '../base/errors.js';

export interface IgnoreRules {
  /** Whether this path, relative to the context and without a slash before it, is left out. */
  ignores: (path: string) => boolean;
  /** A directory that is left out may still hold something that a `!` pattern brings back. */
  mayHoldMore: (directory: string) => boolean;
}

interface Pattern {
  matches: RegExp;
  brings: boolean;
  text: string;
}

/** Error (`input`): a pattern that is none. */
export function parseIgnore(source: string, file = '.dockerignore'): IgnoreRules {
  const patterns = source
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line, at) => ({ line: at + 1, text: line.trim() }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
    .flatMap(({ line, text }) => patternOf(text, file, line));
  return {
    ignores: (path) => ignores(patterns, path),
    mayHoldMore: (directory) => patterns.some(({ brings, text }) => brings && mayLieIn(text, directory)),
  };
}

function patternOf(text: string, file: string, line: number): Pattern[] {
  const brings = text.startsWith('!');
  const cleaned = cleanPath(brings ? text.slice(1).trim() : text);
  if (cleaned === '') {
    if (brings) throw new VlabError('input', `${file}:${line}: illegal exclusion pattern: "!"`);
    return [];
  }
  try {
    return [{ brings, text: cleaned, matches: new RegExp(`^${patternSource(cleaned)}$`, 's') }];
  } catch (cause) {
    throw new VlabError('input', `${file}:${line}: syntax error in pattern ${text}`, { cause });
  }
}

/** Go's filepath.Clean, without a slash at the beginning. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** The last pattern that fits the path, or a directory above it, decides. */
function ignores(patterns: readonly Pattern[], path: string): boolean {
  const parts = path.split('/');
  const ways = parts.map((_, at) => parts.slice(0, at + 1).join('/'));
  let ignored = false;
  for (const { matches, brings } of patterns) {
    if (brings === ignored && ways.some((way) => matches.test(way))) ignored = !brings;
  }
  return ignored;
}

/** `**` stands for any number of directories, `*` and `?` for signs of one name. */
function patternSource(pattern: string): string {
  const parts = pattern.matchAll(/\*\*\/?|\*|\?|\\(?<escaped>.)|\[(?<set>\^?(?:\\.|[^\]\\])+)\]|(?<sign>.)/gs);
  return [...parts]
    .map(({ 0: all, groups: { escaped, set, sign } = {} }) => {
      if (all === '**/') return '(?:.*/)?';
      if (all === '**') return '.*';
      if (all === '*') return '[^/]*';
      if (all === '?') return '[^/]';
      if (set !== undefined) return `[${set}]`;
      return (escaped ?? sign ?? '').replace(/[^\w\s]/, '\\$&');
    })
    .join('');
}

function mayLieIn(pattern: string, directory: string): boolean {
  const wild = pattern.search(/[*?[\\]/);
  const fixed = wild < 0 ? pattern : pattern.slice(0, wild);
  return fixed.startsWith(`${directory}/`) || `${directory}/`.startsWith(fixed);
}

/** A shell pattern of COPY's sources, as Go's filepath.Match: `*` stops at a slash. */
export function sourcePattern(pattern: string): RegExp {
  const source = [...pattern.matchAll(/\*|\?|\\(?<escaped>.)|\[(?<set>\^?(?:\\.|[^\]\\])+)\]|(?<sign>.)/gs)]
    .map(({ 0: all, groups: { escaped, set, sign } = {} }) => {
      if (all === '*') return '[^/]*';
      if (all === '?') return '[^/]';
      return set !== undefined ? `[${set}]` : (escaped ?? sign ?? '').replace(/[^\w\s]/, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`, 's');
}

export function hasWildcard(path: string): boolean {
  return /[*?[]/.test(path);
}

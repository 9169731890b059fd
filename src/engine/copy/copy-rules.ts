/** Where `cp` puts things, by docker's rules (docker-cp(1), "DESCRIPTION"). Pure. */
import { posix } from 'node:path';
import { VlabError } from '../../base/errors.js';

export type EndKind = 'directory' | 'other' | 'missing';

export interface CopyEnd {
  /** As it was given. */
  path: string;
  kind: EndKind;
}

export interface CopyTarget {
  /** The directory that things are unpacked into; it is there. */
  into: string;
  /** What the copied thing is called there; undefined: what is in the directory goes right into it. */
  name: string | undefined;
}

/** `SRC/.`: the content of the directory, not the directory. */
export const meansContent = (path: string) => path === '.' || path.endsWith('/.');

/** The last part of a path says that it is a directory. */
export const saysDirectory = (path: string) => path.endsWith('/') || meansContent(path);

/** Error (`input`): docker would not do it either. `parentIsThere`: of a destination that is missing. */
export function copyTarget(source: CopyEnd, destination: CopyEnd, parentIsThere: boolean): CopyTarget {
  const { path } = destination;
  const trimmed = path.replace(/\/+$/, '') || '/';
  if (source.kind === 'missing') throw wrong(`no such file or directory: ${source.path}`);
  if (destination.kind === 'directory') {
    return { into: trimmed, name: copyName(source) };
  }
  if (source.kind === 'directory' && destination.kind === 'other')
    throw wrong(`cannot copy directory to file: ${path}`);
  if (destination.kind === 'other') {
    if (saysDirectory(path)) throw wrong(`not a directory: ${path}`);
    return { into: posix.dirname(trimmed), name: posix.basename(trimmed) };
  }
  if (!parentIsThere) throw wrong(`no such directory: ${posix.dirname(trimmed)}`);
  if (source.kind === 'other' && saysDirectory(path)) throw wrong(`no such directory: ${path}`);
  const place = trimmed.replace(/(\/\.)+$/, '') || '/';
  return { into: posix.dirname(place), name: posix.basename(place) };
}

/** What a copied thing is called in a tar of its own; undefined: the content of a directory goes without a name. */
export function copyName(source: CopyEnd): string | undefined {
  return source.kind === 'directory' && meansContent(source.path) ? undefined : baseOf(source.path);
}

/** Of `/` and `..` the whole has no name to be put under. */
function baseOf(path: string): string | undefined {
  const base = posix.basename(posix.normalize(path));
  return base === '' || base === '.' || base === '..' || base === '/' ? undefined : base;
}

function wrong(message: string): VlabError {
  return new VlabError('input', message, { exitCode: 1 });
}

export type CopyPlace =
  | { kind: 'container'; container: string; path: string }
  | { kind: 'host'; path: string }
  | { kind: 'stream' };

/** `CONTAINER:PATH`, a path of the host, or `-`. A path that begins with `/` or `.` is of the host, whatever colons are in it. */
export function copyPlace(text: string): CopyPlace {
  if (text === '-') return { kind: 'stream' };
  const at = text.indexOf(':');
  if (text.startsWith('/') || text.startsWith('.') || at <= 0) return { kind: 'host', path: text };
  // In a container nothing is relative to anything but its root.
  return { kind: 'container', container: text.slice(0, at), path: inRoot(text.slice(at + 1)) };
}

/** An absolute path that keeps what its end says. */
function inRoot(path: string): string {
  const end = saysDirectory(path) ? (meansContent(path) ? '/.' : '/') : '';
  const clean = posix.resolve('/', path);
  return clean === '/' ? `/${meansContent(path) ? '.' : ''}` : `${clean}${end}`;
}

/** Files as a stream of tar, packed by GNU tar: it goes down into directories by their descriptors, and follows no link. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { VlabError } from '../../base/errors.js';

export interface TarSource {
  /**
   * `directory`: all of it, under `name`, or without one what is in it. `other`: what is called `base` in the directory `path`.
   * `follows`: that is a link to it.
   */
  kind: 'directory' | 'other';
  path: string;
  base?: string;
  follows?: boolean;
  name?: string | undefined;
}

export interface PackedTar {
  stream: Readable;
  /** Rejects with what tar said. */
  done: Promise<void>;
}

/** `owners`: those that files have, or that of root for all. */
export function packTar(source: TarSource, owners: 'kept' | 'root'): PackedTar {
  const { names, renames } = source.kind === 'directory' ? ofDirectory(source) : ofOther(source);
  const words = [
    ...[
      '--create',
      '--file=-',
      '--format=posix',
      '--pax-option=delete=atime,delete=ctime',
      '--numeric-owner',
      '--ignore-failed-read',
    ],
    ...['--xattrs', '--xattrs-include=security.capability'],
    ...(owners === 'root' ? ['--owner=0', '--group=0'] : []),
    ...(source.follows ? ['--dereference'] : []),
    ...renames,
    `--directory=${source.path}`,
    ...['--null', '--verbatim-files-from', '--files-from=-'],
  ];
  const tar = spawn('tar', words, { stdio: ['pipe', 'pipe', 'pipe'] });
  tar.stdin.on('error', () => {}); // it has ended, and says why
  tar.stdin.end(names.map((name) => `${name}\0`).join(''));
  // Of a process that has ended Node throws away what nobody reads yet.
  return { stream: tar.stdout.pipe(new PassThrough()), done: ended(tar, 'tar could not pack the files') };
}

function ofDirectory({ path, name }: TarSource) {
  if (name === undefined) return { names: readdirSync(path).map((entry) => `./${entry}`), renames: [] };
  return { names: ['.'], renames: [`--transform=s|^\\.\\(/\\|$\\)|${replacement(name)}\\1|S`] };
}

function ofOther({ base = '', name = base }: TarSource) {
  const renames = base === name ? [] : [`--transform=s|^\\./.*$|${replacement(name)}|S`];
  return { names: [`./${base}`], renames };
}

/** What sed takes for itself in the second half of `s|…|…|`. */
const replacement = (name: string) => name.replace(/[\\&|\n]/g, '\\$&');

/** Unpacks a tar on the host. `owners`: those of the archive, or the user's own. */
export async function unpackOnHost(stream: Readable, into: string, owners: 'kept' | 'own'): Promise<void> {
  const words = [
    ...['--extract', '--file=-', '--preserve-permissions', '--no-overwrite-dir', '--numeric-owner'],
    owners === 'kept' ? '--same-owner' : '--no-same-owner',
    `--directory=${into}`,
  ];
  const tar = spawn('tar', words, { stdio: ['pipe', 'ignore', 'pipe'] });
  tar.stdin.on('error', () => {});
  stream.on('error', () => tar.kill('SIGTERM'));
  stream.pipe(tar.stdin);
  await ended(tar, `tar could not unpack the files into ${into}`);
}

function ended(tar: ReturnType<typeof spawn>, complaint: string): Promise<void> {
  let said = '';
  tar.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4096);
  });
  return new Promise((resolve, reject) => {
    tar.on('error', (cause) => reject(new VlabError('host', 'tar is not installed', { cause })));
    tar.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const first = said.trim().split('\n')[0];
      reject(
        new VlabError('operation', `${complaint}: ${first || signal || `it ended with ${code}`}`, { exitCode: 1 }),
      );
    });
  });
}

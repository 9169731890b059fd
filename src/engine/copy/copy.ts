/** Files between the host and a container, running or not (docker-cp(1)). */
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { VlabError } from '../../base/errors.js';
import type { HeldPath } from '../../container/hold-root.js';
import { unpackLayer } from '../../image/layer/unpack-layer.js';
import { OCI_LAYER } from '../../image/manifest.js';
import { ownIdMaps } from '../../storage/own-id-maps.js';
import type { ContainerRecord } from '../record/records.js';
import { holdRootFor, type PathInRoot } from './container-root.js';
import { type CopyEnd, copyTarget, meansContent, saysDirectory } from './copy-rules.js';
import { type PackedTar, packTar, type TarSource, unpackOnHost } from './tar-stream.js';

export interface CopyOptions {
  /** Owners stay as they are (`-a`). */
  archive?: boolean | undefined;
  /** A link that is copied stands for what it leads to (`-L`). */
  followLink?: boolean | undefined;
}

/** What is at `path` of a container as tar, for as long as `use` reads it. Errors (`input`): it is not there; those of holdRootFor. */
export async function copyOut<T>(
  record: ContainerRecord,
  path: string,
  options: CopyOptions,
  use: (tar: PackedTar, source: CopyEnd) => Promise<T>,
  nameFor: (source: CopyEnd) => string | undefined,
): Promise<T> {
  const held = await holdRootFor(record, path);
  await using root = held.root;
  const found = await root.find(held.path, options.followLink === true || saysDirectory(path));
  if (!found) throw missing(path, record);
  const source: CopyEnd = { path, kind: kindOf(found.stat) };
  const tar = packTar(await tarSource(held, found, nameFor(source)), isRoot() ? 'kept' : 'root');
  return await use(tar, source); // not before that is the root let go
}

async function tarSource(held: PathInRoot, found: HeldPath, name: string | undefined): Promise<TarSource> {
  if (found.stat.isDirectory()) return { kind: 'directory', path: found.path, name };
  const own = posix.basename(held.path);
  if (!found.stat.isSymbolicLink()) {
    return {
      kind: 'other',
      path: posix.dirname(found.path),
      base: posix.basename(found.path),
      follows: true,
      name: name ?? own,
    };
  }
  const parent = await held.root.find(posix.dirname(held.path), true);
  if (!parent) throw new VlabError('operation', `${held.path} has gone`);
  return { kind: 'other', path: parent.path, base: own, name: name ?? own };
}

/** From a container to a path of the host. */
export function copyToHost(record: ContainerRecord, path: string, to: string, options: CopyOptions): Promise<void> {
  const destination: CopyEnd = { path: to, kind: kindOf(statSync(to, { throwIfNoEntry: false })) };
  const parentIsThere = statSync(parentOf(to), { throwIfNoEntry: false })?.isDirectory() ?? false;
  const target = (source: CopyEnd) => copyTarget(source, destination, parentIsThere);
  return copyOut(
    record,
    path,
    options,
    async ({ stream, done }, source) => {
      await Promise.all([unpackOnHost(stream, target(source).into, options.archive ? 'kept' : 'own'), done]);
    },
    (source) => target(source).name,
  );
}

/** From a path of the host into a container. Errors: (`input`) by docker's rules; those of unpackLayer. */
export async function copyFromHost(
  record: ContainerRecord,
  from: string,
  path: string,
  options: CopyOptions,
): Promise<void> {
  const follows = options.followLink === true || saysDirectory(from);
  const stat = (follows ? statSync : lstatSync)(from, { throwIfNoEntry: false });
  const source: CopyEnd = { path: from, kind: kindOf(stat) };
  const held = await holdRootFor(record, path);
  await using root = held.root;
  const there = await root.find(held.path, true);
  const parent = await root.find(parentOf(held.path), true);
  const destination: CopyEnd = { path: held.path, kind: kindOf(there?.stat) };
  const { into, name } = copyTarget(source, destination, parent?.stat.isDirectory() ?? false);
  const directory = await root.find(into, true);
  if (!directory) throw missing(path, record);
  const real = follows ? realpathSync(from) : from;
  const packed: TarSource =
    source.kind === 'directory'
      ? { kind: 'directory', path: from, name }
      : { kind: 'other', path: posix.dirname(real), base: posix.basename(real), name };
  const { stream, done } = packTar(packed, options.archive ? 'kept' : 'root');
  await Promise.all([unpackInside(stream, directory), done]);
}

/** A tar into a directory of a container. Errors (`input`): it is none, or what comes is no tar. */
export async function copyStreamIn(record: ContainerRecord, stream: Readable, path: string): Promise<void> {
  const held = await holdRootFor(record, path);
  await using root = held.root;
  const directory = await root.find(held.path, true);
  if (!directory) throw missing(path, record);
  if (!directory.stat.isDirectory()) {
    throw new VlabError('input', `destination "${record.state.name}:${path}" must be a directory`, { exitCode: 1 });
  }
  await unpackInside(stream, directory);
}

async function unpackInside(stream: Readable, { path }: HeldPath): Promise<void> {
  await unpackLayer({ source: stream, mediaType: OCI_LAYER, into: path, form: 'plain', idMaps: ownIdMaps() });
}

/** Without privileges all files of a container are the user's own, and root's inside. */
const isRoot = () => process.getuid?.() === 0;

function kindOf(stat: Stats | undefined): CopyEnd['kind'] {
  return stat ? (stat.isDirectory() ? 'directory' : 'other') : 'missing';
}

/** The directory that a path is in, by its words. */
function parentOf(path: string): string {
  return posix.dirname(meansContent(path) ? path.replace(/\/?\.$/, '') || '.' : path);
}

function missing(path: string, { state }: ContainerRecord): VlabError {
  return new VlabError('input', `Could not find the file ${path} in container ${state.name}`, { exitCode: 1 });
}

/**
 * Containers on disk: a directory each, which appears and vanishes whole. What is asked for is written once, what changes by
 * rename and by who has the container's lock; everybody may read at any time.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../../base/errors.js';
import { privateDir } from '../../base/paths.js';
import { isLocked, locked, TOKEN } from '../../oci/lock.js';
import { makeDirectories, removeDirectoryWhole, wholeDirectories } from '../../oci/whole-directory.js';
import { type ContainerDefinition, parseDefinition } from '../define/definition.js';
import { CONTAINER_FILES, containerDir, containersDir } from './container-files.js';
import type { ContainerState } from './container-state.js';

export interface ContainerRecord {
  id: string;
  definition: ContainerDefinition;
  state: ContainerState;
}

export function isContainerId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Ids of all there are, in no order. What killed processes were making or removing is taken away. */
export function containerIds(): string[] {
  return wholeDirectories(containersDir()).filter(isContainerId);
}

/** Writes what makes a directory a container's, before it gets its place. */
export function fillRecord(directory: string, { definition, state }: ContainerRecord): void {
  // One that is removed when it ends need not outlive the machine.
  const write = definition.autoRemove ? writeBriefly : writeDurable;
  writeFileSync(join(directory, TOKEN), '');
  write(join(directory, CONTAINER_FILES.definition), JSON.stringify(definition));
  write(join(directory, CONTAINER_FILES.state), JSON.stringify(state));
}

export function ensureContainersDir(): string {
  makeDirectories(containersDir());
  return privateDir(containersDir());
}

/** Undefined: there is none (any more). Error (`operation`): what is there cannot be read. */
export function readRecord(id: string): ContainerRecord | undefined {
  const definition = readOf(id, CONTAINER_FILES.definition);
  const state = readState(id);
  if (definition === undefined || state === undefined) return undefined;
  return { id, definition: parseDefinition(definition, `the definition of container ${id.slice(0, 12)}`), state };
}

export function readState(id: string): ContainerState | undefined {
  const text = readOf(id, CONTAINER_FILES.state);
  return text === undefined ? undefined : parseState(id, text);
}

/** For lists of many: the definition is taken as it was written. One that cannot be read is left out. */
export function readRecordQuickly(id: string): ContainerRecord | undefined {
  try {
    const definition = readOf(id, CONTAINER_FILES.definition);
    const state = readState(id);
    if (definition === undefined || state === undefined) return undefined;
    return { id, definition: JSON.parse(definition) as ContainerDefinition, state };
  } catch (error) {
    if (error instanceof VlabError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * For who has its lock. What is only true in this boot is not waited for until it is on the disk, nor is what is `brief`: about to be
 * removed. After a power failure such a file may be empty (parseState).
 */
export function writeState(id: string, state: ContainerState, { brief = false } = {}): void {
  const place = join(containerDir(id), CONTAINER_FILES.state);
  const lasts = (state.phase === 'created' || state.phase === 'exited') && !brief;
  // Only the lock's holder writes, so one name is enough, and nothing is left behind.
  (lasts ? writeDurable : writeBriefly)(`${place}.new`, JSON.stringify(state));
  renameSync(`${place}.new`, place);
}

/** Removes the directory; for who has its lock, or after that one was killed. */
export function removeRecord(id: string): void {
  removeDirectoryWhole({ root: containersDir(), name: id });
}

/**
 * Runs `work` on the record as it then is, while nobody else changes it. Errors: `input` when it is gone; `operation` when
 * another command keeps the lock for 30 s.
 */
export async function withContainer<T>(id: string, work: (record: ContainerRecord) => Promise<T>): Promise<T> {
  const dir = containerDir(id);
  const gone = () => noSuchContainer(id);
  try {
    return await locked(dir, async () => {
      const record = readRecord(id);
      if (!record) throw gone();
      return work(record);
    });
  } catch (error) {
    const { path } = error as NodeJS.ErrnoException;
    const ofLock = path !== undefined && (path === dir || path.startsWith(join(dir, 'lock')));
    throw errnoOf(error) === 'ENOENT' && ofLock ? gone() : error;
  }
}

/** Whether a living process has its lock at this moment. */
export function isBusy(id: string): boolean {
  return isLocked(containerDir(id));
}

export function noSuchContainer(text: string): VlabError {
  return new VlabError('input', `No such container: ${text}`, { hint: '`vlab ps -a` lists them', exitCode: 1 });
}

function readOf(id: string, file: string): string | undefined {
  try {
    return readFileSync(join(containerDir(id), file), 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function parseState(id: string, text: string): ContainerState {
  if (text === '') return afterPowerFailure(id);
  try {
    return JSON.parse(text) as ContainerState;
  } catch (cause) {
    throw new VlabError('operation', `the state of container ${id.slice(0, 12)} cannot be read`, {
      cause,
      hint: `vlab rm -f ${id.slice(0, 12)} removes it`,
    });
  }
}

/** It was starting, running or being removed when the machine lost its power, and some file systems keep only the file's name. */
function afterPowerFailure(id: string): ContainerState {
  const text = readOf(id, CONTAINER_FILES.definition) ?? '';
  const { name, network } = parseDefinition(text, `the definition of container ${id.slice(0, 12)}`);
  return {
    ...{ name, phase: 'exited', exitCode: 255, oomKilled: false, restartCount: 0, stopAsked: false, updated: {} },
    attachments: network.attachments,
  };
}

function writeBriefly(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
}

/** A power failure after the rename must not leave an empty file under the name. */
function writeDurable(path: string, text: string): void {
  const descriptor = openSync(path, 'w', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

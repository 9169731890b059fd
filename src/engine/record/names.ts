/**
 * Names of containers: a link each, from the name to the id, so that only one of several who want a name gets it. A link whose
 * container is gone, or is called otherwise, was left by a killed command, and counts for nothing.
 */
import { readlinkSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../../base/errors.js';
import { locked, TOKEN } from '../../oci/lock.js';
import { makeDirectoryWhole } from '../../oci/whole-directory.js';
import { containersDir } from './container-files.js';
import { ensureContainersDir, isContainerId, readState } from './records.js';

/** docker's form (names.RestrictedNamePattern). */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** NAME_MAX of limits.h: it is a link's name. */
const MOST_CHARACTERS = 255;

const FOLDER = 'names';

function linkOf(name: string): string {
  return join(containersDir(), FOLDER, name);
}

/** A leading slash is docker's API's, and left out. Error (`input`). */
export function checkName(text: string): string {
  const name = text.replace(/^\//, '');
  if (NAME.test(name) && name.length <= MOST_CHARACTERS) return name;
  throw new VlabError('input', `Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, {
    hint: 'a name has at least two of these characters, and at most 255',
    exitCode: 125,
  });
}

/** Of the container that has this name now. */
export function idOfName(name: string): string | undefined {
  const id = linkedId(name);
  return id !== undefined && readState(id)?.name === name ? id : undefined;
}

function linkedId(name: string): string | undefined {
  if (!NAME.test(name) || name.length > MOST_CHARACTERS) return undefined;
  try {
    const id = readlinkSync(linkOf(name));
    return isContainerId(id) ? id : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Nobody else takes or gives back a name while `work` runs; a container that is made or renamed gets its name within it. */
export async function withNames<T>(work: () => Promise<T>): Promise<T> {
  const root = ensureContainersDir();
  const folder = { root, name: FOLDER };
  makeDirectoryWhole(folder, (partial) => writeFileSync(join(partial, TOKEN), '')); // unless it is there
  return locked(join(root, FOLDER), work);
}

/** Within withNames, before the container's state says the name. Error (`operation`): another container has it. */
export function takeName(name: string, id: string): void {
  const holder = idOfName(name);
  if (holder !== undefined && holder !== id) {
    throw new VlabError(
      'operation',
      `Conflict. The container name "/${name}" is already in use by container "${holder}".`,
      { hint: 'You have to remove (or rename) that container to be able to reuse that name.', exitCode: 125 },
    );
  }
  if (holder === id) return;
  dropLink(name);
  symlinkSync(id, linkOf(name));
}

/** A name that is free; within withNames. */
export function isFree(name: string): boolean {
  return idOfName(name) === undefined;
}

/** Within withNames. A name that another container has meanwhile stays. */
export function giveBackName(name: string, id: string): void {
  if (linkedId(name) === id) dropLink(name);
}

function dropLink(name: string): void {
  try {
    unlinkSync(linkOf(name));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** COPY and ADD: what they take is collected and named by its digest, and becomes a layer where the cache has none. */

import { readFile } from 'node:fs/promises';
import { VlabError } from '../base/errors.js';
import { resolveUser } from '../engine/spec/user.js';
import { type AddedSource, addSources } from './add-sources.js';
import { collectSources, digestOfSources, NoSource, type Source } from './files/collect-sources.js';
import { type Ownership, type Placing, Staging } from './files/staging.js';
import { resolvePath, type Tree } from './files/tree.js';
import { type IgnoreRules, parseIgnore } from './ignore.js';
import type { CopyRequest } from './step.js';
import type { Workspace } from './workspace.js';

export interface CopySource {
  tree: Tree;
  /** Of the context. */
  rules?: IgnoreRules | undefined;
  /** It is the context: whoever owns its files here does not count. */
  isContext: boolean;
}

export interface CollectedCopy {
  copy: CopyRequest;
  groups: { sources: Source[]; keepsOwners: boolean }[];
  digest: string;
}

/** Error (`input`): a source is not there; of ADD also that it cannot be fetched. */
export async function collectCopy(
  copy: CopyRequest,
  from: CopySource,
  workspace: Workspace,
  signal: AbortSignal | undefined,
): Promise<CollectedCopy> {
  const { tree, rules, isContext } = from;
  const exclude = copy.exclude.length > 0 ? parseIgnore(copy.exclude.join('\n'), '--exclude') : undefined;
  const added: AddedSource[] = copy.isAdd ? await addSources(copy, from, workspace, signal) : [];
  const taken = new Set(added.map(({ written }) => written));
  const plain = copy.sources.filter((source) => !taken.has(source));
  const sources = await collectSources(plain, { tree, rules, exclude, parents: copy.parents });
  const groups = [
    { sources, keepsOwners: !isContext },
    ...added.map(({ sources: some, keepsOwners }) => ({ sources: some, keepsOwners })),
  ];
  const digests = await Promise.all(groups.map((group) => digestOfSources(group.sources, group.keepsOwners)));
  return { copy, groups, digest: digests.join(' ') };
}

export interface CopyPlace {
  base: Tree;
  /** An empty directory. */
  staging: string;
  timeSeconds: number;
}

/** Errors (`input`): a user whom the image does not know; a file where a directory should be. */
export async function performCopy({ copy, groups }: CollectedCopy, place: CopyPlace): Promise<void> {
  const asked = copy.chown === undefined ? undefined : await ownerOf(copy.chown, place.base);
  const placing: Placing = {
    destination: copy.destination,
    intoDirectory: copy.intoDirectory,
    owner: asked ?? ROOT,
    mode: copy.mode,
    timeSeconds: place.timeSeconds,
  };
  const staging = await Staging.begin(place.staging, place.base);
  for (const { sources, keepsOwners } of groups) {
    await staging.place(sources, keepsOwners && !asked ? { ...placing, owner: undefined } : placing);
  }
  for (const { name, content } of copy.files) await staging.write(name, content, placing);
  staging.finish();
}

const ROOT: Ownership = { uid: 0, gid: 0 };

/** `USER[:GROUP]` by the image's accounts. A number without a group is the group's number too. */
export async function ownerOf(chown: string, base: Tree): Promise<Ownership> {
  const text = /^\d+$/.test(chown) ? `${chown}:${chown}` : chown;
  const [passwd, group] = await Promise.all([textIn(base, 'etc/passwd'), textIn(base, 'etc/group')]);
  const { uid, gid } = resolveUser(text, [], { passwd, group });
  return { uid, gid };
}

async function textIn(tree: Tree, path: string): Promise<string> {
  const found = await tree.entry(await resolvePath(tree, path));
  return found?.stat.isFile() ? readFile(found.real, 'utf8') : '';
}

/** WORKDIR: makes the directory where it is missing. False: it was there. */
export async function performDirectory(path: string, user: string, place: CopyPlace): Promise<boolean> {
  const staging = await Staging.begin(place.staging, place.base);
  const owner = user === '' ? ROOT : await ownerOf(user, place.base);
  const made = await staging.directory(path, { owner, timeSeconds: place.timeSeconds });
  staging.finish();
  return made;
}

/** What COPY could not find, told with the line; other errors are left as they are. */
export function explainCopy(error: unknown, where: string, rules: IgnoreRules | undefined): unknown {
  if (!(error instanceof NoSource)) return error;
  const hint = rules ? 'is it there, and does .dockerignore leave it out?' : 'paths are relative to the build context';
  return new VlabError('input', `${where}: ${error.message}`, { hint });
}

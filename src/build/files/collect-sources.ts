/** What COPY and ADD take from a tree: found, told apart, and named by a digest of its content. */
import { createHash } from 'node:crypto';
import { createReadStream, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { IgnoreRules } from '../ignore.js';
import { hasWildcard, sourcePattern } from '../ignore.js';
import { resolvePath, type Tree, type TreeEntry } from './tree.js';

export interface SourceItem {
  /** Below the source; '' is the source itself. */
  path: string;
  entry: TreeEntry;
}

export interface Source {
  /** Its last name, which a file keeps in a directory. */
  name: string;
  /** With `--parents`: the directories that are kept above it. */
  under: string;
  /** Itself first, then what is in it, sorted. */
  items: SourceItem[];
}

/** Nothing is there by that name; the caller says in which line. */
export class NoSource extends Error {}

export interface Collection {
  tree: Tree;
  /** Of the context; nothing is left out of other trees. */
  rules?: IgnoreRules | undefined;
  /** `--exclude` */
  exclude?: IgnoreRules | undefined;
  parents?: boolean;
}

export async function collectSources(patterns: readonly string[], collection: Collection): Promise<Source[]> {
  const sources: Source[] = [];
  for (const pattern of patterns) {
    const path = posix.join('/', pattern).slice(1).replace(/\/$/, '');
    const found = hasWildcard(path) ? await matching(path, collection) : [path];
    const some: Source[] = [];
    for (const one of found) some.push(...(await sourceAt(one, collection)));
    if (some.length === 0)
      throw new NoSource(hasWildcard(path) ? `no files match ${pattern}` : `"/${path}": not found`);
    sources.push(...some);
  }
  return sources;
}

async function sourceAt(path: string, collection: Collection): Promise<Source[]> {
  const { tree, rules } = collection;
  const resolved = await resolvePath(tree, path);
  const entry = await tree.entry(resolved);
  const isLeftOut = path !== '' && (rules?.ignores(resolved) ?? false);
  if (!entry || (isLeftOut && !(entry.stat.isDirectory() && rules?.mayHoldMore(resolved)))) return [];
  const items: SourceItem[] = [{ path: '', entry }];
  if (entry.stat.isDirectory()) await addContent(resolved, '', items, collection);
  const under = collection.parents && path.includes('/') ? posix.dirname(path) : '';
  return [{ name: posix.basename(path), under, items }];
}

async function addContent(
  directory: string,
  below: string,
  items: SourceItem[],
  collection: Collection,
): Promise<void> {
  const { tree, rules, exclude } = collection;
  for (const name of await tree.names(directory)) {
    const path = posix.join(directory, name);
    const inner = posix.join(below, name);
    const entry = await tree.entry(path);
    if (!entry || exclude?.ignores(inner)) continue;
    const isDirectory = entry.stat.isDirectory();
    const isLeftOut = rules?.ignores(path) ?? false;
    if (isLeftOut && !(isDirectory && rules?.mayHoldMore(path))) continue;
    const at = items.length;
    items.push({ path: inner, entry });
    if (isDirectory) await addContent(path, inner, items, collection);
    // A directory that is left out is there only for what is brought back in it.
    if (isLeftOut && items.length === at + 1) items.length = at;
  }
}

async function matching(pattern: string, { tree, rules }: Collection): Promise<string[]> {
  let found = [''];
  for (const part of pattern.split('/')) {
    const next: string[] = [];
    for (const directory of found) {
      const here = await resolvePath(tree, directory);
      if (!hasWildcard(part)) next.push(posix.join(directory, part));
      else if ((await tree.entry(here))?.stat.isDirectory()) {
        const fits = sourcePattern(part);
        const names = (await tree.names(here)).filter((name) => fits.test(name));
        next.push(...names.map((name) => posix.join(directory, name)));
      }
    }
    found = next;
  }
  const there = [];
  for (const path of found) {
    const resolved = await resolvePath(tree, path);
    if ((await tree.entry(resolved)) && !rules?.ignores(resolved)) there.push(path);
  }
  return there;
}

/** Names, kinds, modes, owners and content; not times. `owners` false: whoever owns them here does not count. */
export async function digestOfSources(sources: readonly Source[], owners: boolean): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, under, items } of sources) {
    hash.update(JSON.stringify(['source', under, items.length > 1 ? '' : name]));
    for (const { path, entry } of items) {
      const { stat, real } = entry;
      const mode = stat.isSymbolicLink() ? 0 : stat.mode & 0o7777;
      const said = [path, kindOf(entry), mode, ...(owners ? [stat.uid, stat.gid] : [])];
      if (stat.isSymbolicLink()) said.push(readlinkSync(real));
      if (stat.isFile()) said.push(await fileDigest(real));
      hash.update(JSON.stringify(said));
    }
  }
  return hash.digest('hex');
}

function kindOf({ stat }: TreeEntry): string {
  if (stat.isDirectory()) return 'directory';
  if (stat.isFile()) return 'file';
  return stat.isSymbolicLink() ? 'link' : 'other';
}

export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

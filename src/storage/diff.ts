/** What a container has changed of its image: docker's `diff`. */
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { layerPlace, readLayerRecord } from './layer-record.js';
import { opaqueOf } from './opaque.js';
import { flatDirectory } from './places.js';
import { layerOf } from './snapshots.js';

/** One path that differs from the image: added, changed or deleted. */
export interface Change {
  kind: 'A' | 'C' | 'D';
  /** Absolute, in the container. */
  path: string;
}

/** Of the container in `directory`, sorted by path. Errors (`operation`): it has no layer; the image's tree to compare with is gone. */
export async function diffOf(directory: string): Promise<Change[]> {
  const { driver, chainIds, userXattr } = readLayerRecord(directory);
  const place = layerPlace(directory);
  const changes =
    driver === 'overlay' || driver === 'fuse-overlayfs'
      ? await overlayChanges(join(place, 'upper'), chainIds.map(layerOf), userXattr)
      : treeChanges(baseOf(chainIds), join(place, 'root'));
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What fuse-overlayfs puts into an opaque directory besides the attribute, as layers of images have it. */
const OPAQUE = '.wh..wh..opq';

interface Level {
  path: string;
  /** What lower layers have there, topmost first, as far as nothing hides them. */
  lower: string[];
  upper: string;
}

/** `lower`: topmost first. Directory by directory, so that all of one depth are asked about together. */
export async function overlayChanges(upper: string, lower: string[], userXattr: boolean): Promise<Change[]> {
  const changes: Change[] = [];
  for (let level: Level[] = [{ path: '/', lower, upper }]; level.length > 0; ) {
    const asked = level.flatMap((one) => [one.upper, ...one.lower]);
    const opaque = await opaqueOf(asked, userXattr);
    level = level.flatMap((one) => below(one, opaque, changes));
  }
  return changes;
}

function below(at: Level, opaque: ReadonlySet<string>, changes: Change[]): Level[] {
  const cut = at.lower.findIndex((directory) => opaque.has(directory));
  const lower = cut < 0 ? at.lower : at.lower.slice(0, cut + 1);
  const all = readdirSync(at.upper);
  const names = all.filter((name) => name !== OPAQUE);
  const next: Level[] = [];
  for (const name of names) {
    const path = join(at.path, name);
    const stat = lstatSync(join(at.upper, name));
    const under = entriesIn(lower, name);
    const existed = under.length > 0;
    if (isWhiteout(stat)) {
      if (existed) changes.push({ kind: 'D', path });
      continue;
    }
    changes.push({ kind: existed ? 'C' : 'A', path });
    const directories = under.filter(({ stat: below }) => below.isDirectory()).map(({ path: found }) => found);
    if (stat.isDirectory()) next.push({ path, upper: join(at.upper, name), lower: directories });
  }
  if (opaque.has(at.upper) || names.length < all.length) {
    const kept = new Set(names);
    const gone = new Set(lower.flatMap((directory) => readdirSync(directory)).filter((name) => !kept.has(name)));
    for (const name of gone)
      if (entriesIn(lower, name).length > 0) changes.push({ kind: 'D', path: join(at.path, name) });
  }
  return next;
}

/** What layers have of a name: directories lie over one another; anything else hides what is under it. */
function entriesIn(lower: readonly string[], name: string): { path: string; stat: Stats }[] {
  const found: { path: string; stat: Stats }[] = [];
  for (const directory of lower) {
    const path = join(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) continue;
    if (isWhiteout(stat)) break;
    if (stat.isDirectory()) found.push({ path, stat });
    else {
      if (found.length === 0) found.push({ path, stat });
      break;
    }
  }
  return found;
}

export const isWhiteout = (stat: Stats) => stat.isCharacterDevice() && stat.rdev === 0;

function baseOf([top]: readonly Parameters<typeof flatDirectory>[0][]): string | undefined {
  return top === undefined ? undefined : join(flatDirectory(top), 'fs');
}

/** Two whole trees. `base`: undefined is an empty one. */
export function treeChanges(base: string | undefined, changed: string): Change[] {
  const changes: Change[] = [];
  const walk = (path: string, hadBefore: boolean) => {
    const before = new Set(hadBefore && base !== undefined ? namesIn(join(base, path), base) : []);
    for (const name of readdirSync(join(changed, path))) {
      const here = join(path, name);
      const stat = lstatSync(join(changed, here));
      const old = before.delete(name) ? lstatSync(join(base ?? '', here)) : undefined;
      const soFar = changes.length;
      if (stat.isDirectory()) walk(here, old?.isDirectory() ?? false);
      if (!old) changes.push({ kind: 'A', path: here });
      else if (differ(old, stat) || changes.length > soFar) changes.push({ kind: 'C', path: here });
    }
    for (const name of before) changes.push({ kind: 'D', path: join(path, name) });
  };
  walk('/', base !== undefined);
  return changes;
}

function namesIn(directory: string, base: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause;
    throw new VlabError('operation', `the image's files are gone from ${base}`, { cause });
  }
}

function differ(old: Stats, now: Stats): boolean {
  if (old.mode !== now.mode || old.uid !== now.uid || old.gid !== now.gid || old.rdev !== now.rdev) return true;
  return !now.isDirectory() && (old.size !== now.size || old.mtimeMs !== now.mtimeMs);
}

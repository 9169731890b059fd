/** What layers of an overlay look like together, read without mounting them (Documentation/filesystems/overlayfs.rst). */
import { existsSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { isWhiteout } from '../../storage/diff.js';
import { opaqueOf } from '../../storage/opaque.js';
import { statOf, type Tree, type TreeEntry } from './tree.js';

interface Found {
  entry: TreeEntry;
  /** Of a directory: where its parts lie, topmost first. */
  directories: string[];
}

const WHITEOUT_PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';

export class LayeredTree implements Tree {
  readonly #known = new Map<string, Promise<Found | undefined>>();

  /** `layers`: topmost first, at least one; none of them changes while this is used. */
  constructor(
    layers: readonly string[],
    private readonly userXattr: boolean,
  ) {
    const [top = ''] = layers;
    const stat = statOf(top);
    if (stat) this.#known.set('', Promise.resolve({ entry: { real: top, stat }, directories: [...layers] }));
  }

  async entry(path: string): Promise<TreeEntry | undefined> {
    return (await this.#find(path))?.entry;
  }

  async names(path: string): Promise<string[]> {
    const found = await this.#find(path);
    const names = new Set<string>();
    const gone = new Set<string>();
    for (const directory of found?.directories ?? []) {
      for (const name of readdirSync(directory)) {
        if (name.startsWith(WHITEOUT_PREFIX)) gone.add(name.slice(WHITEOUT_PREFIX.length));
        else if (!gone.has(name)) names.add(name);
      }
    }
    const there = await Promise.all(
      [...names].map(async (name) => ((await this.entry(posix.join(path, name))) ? name : '')),
    );
    return there.filter((name) => name !== '').sort();
  }

  #find(path: string): Promise<Found | undefined> {
    const known = this.#known.get(path);
    if (known) return known;
    const looked = this.#look(path);
    this.#known.set(path, looked);
    return looked;
  }

  async #look(path: string): Promise<Found | undefined> {
    const parent = await this.#find(posix.dirname(path) === '.' ? '' : posix.dirname(path));
    if (!parent) return undefined;
    const name = posix.basename(path);
    const directories: string[] = [];
    let top: TreeEntry | undefined;
    for (const directory of parent.directories) {
      const real = join(directory, name);
      const stat = statOf(real);
      const isHidden = (stat && isWhiteout(stat)) || existsSync(join(directory, WHITEOUT_PREFIX + name));
      if (isHidden) break;
      if (!stat) continue;
      top ??= { real, stat };
      if (!stat.isDirectory()) break;
      directories.push(real);
    }
    if (!top) return undefined;
    return { entry: top, directories: top.stat.isDirectory() ? await this.#uncovered(directories) : [] };
  }

  /** Without what lies under an opaque directory. */
  async #uncovered(directories: string[]): Promise<string[]> {
    if (directories.length < 2) return directories;
    const opaque = await opaqueOf(directories, this.userXattr);
    const cut = directories.findIndex((directory) => opaque.has(directory) || existsSync(join(directory, OPAQUE)));
    return cut < 0 ? directories : directories.slice(0, cut + 1);
  }
}

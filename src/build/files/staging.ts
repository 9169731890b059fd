/** Files that become a layer: written into a directory of their own, with the directories above them as the base has them. */
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { VlabError } from '../../base/errors.js';
import type { Source } from './collect-sources.js';
import { resolvePath, statOf, type Tree } from './tree.js';

export interface Ownership {
  uid: number;
  gid: number;
}

export interface Placing {
  /** Absolute. */
  destination: string;
  intoDirectory: boolean;
  /** Absent: as they are. */
  owner?: Ownership | undefined;
  mode?: number | undefined;
  /** Of directories that are made. */
  timeSeconds: number;
}

export class Staging {
  /** Directories that were made or copied, whose times are set when all is in them. */
  readonly #times = new Map<string, number>();

  private constructor(
    private readonly root: string,
    private readonly base: Tree,
  ) {}

  /** `root`: an empty directory. */
  static async begin(root: string, base: Tree): Promise<Staging> {
    const staging = new Staging(root, base);
    const top = await base.entry('');
    if (top) staging.#alike(root, top.stat);
    return staging;
  }

  async place(sources: readonly Source[], placing: Placing): Promise<void> {
    const isDirectory =
      placing.intoDirectory || (await this.#isDirectory(placing.destination)) || hasDirectory(sources);
    for (const { items, name, under } of sources) {
      const [first] = items;
      const isContent = first?.entry.stat.isDirectory() ?? false;
      const whole = isDirectory
        ? posix.join(placing.destination, under, isContent && under === '' ? '' : name)
        : placing.destination;
      for (const { path, entry } of items) {
        await this.#put(posix.join(whole, path), entry.real, entry.stat, placing);
      }
    }
  }

  /** A file of known content. */
  async write(name: string, content: string, placing: Placing): Promise<void> {
    const isDirectory = placing.intoDirectory || (await this.#isDirectory(placing.destination));
    const target = await this.#room(isDirectory ? posix.join(placing.destination, name) : placing.destination, placing);
    writeFileSync(target, content);
    this.#finish(
      target,
      { mode: placing.mode ?? 0o644, ...(placing.owner ?? { uid: 0, gid: 0 }) },
      placing.timeSeconds,
    );
  }

  /** True: it was not there. */
  async directory(path: string, placing: Omit<Placing, 'destination' | 'intoDirectory'>): Promise<boolean> {
    if (await this.#isDirectory(path)) return false;
    await this.#directory(await this.#resolved(path), placing);
    return true;
  }

  /** Sets the times of directories. */
  finish(): void {
    for (const [path, seconds] of [...this.#times].reverse()) utimesSync(path, seconds, seconds);
  }

  async #put(path: string, real: string, stat: Stats, placing: Placing): Promise<void> {
    if (stat.isDirectory()) {
      const resolved = await this.#resolved(path);
      const there = statOf(join(this.root, resolved)) ?? (await this.base.entry(resolved))?.stat;
      if (there && !there.isDirectory()) throw new VlabError('input', `cannot copy to non-directory: ${path}`);
      const made = await this.#directory(resolved, placing);
      if (!there) {
        this.#finish(made, { mode: placing.mode ?? stat.mode & 0o7777, ...owning(stat, placing) }, undefined);
        this.#times.set(made, stat.mtimeMs / 1000);
      }
      return;
    }
    const target = await this.#room(path, placing);
    if (stat.isSymbolicLink()) {
      symlinkSync(readlinkSync(real), target);
      giveTo(target, owning(stat, placing));
      lutimesSync(target, stat.mtimeMs / 1000, stat.mtimeMs / 1000);
      return;
    }
    if (!stat.isFile())
      throw new VlabError('input', `${path} is neither a file nor a directory nor a link: it cannot be copied`);
    copyFileSync(real, target, constants.COPYFILE_FICLONE);
    this.#finish(target, { mode: placing.mode ?? stat.mode & 0o7777, ...owning(stat, placing) }, stat.mtimeMs / 1000);
  }

  /** The place of a file, with the directories above it, and nothing in it. Error (`input`): a directory is there. */
  async #room(path: string, placing: Omit<Placing, 'destination' | 'intoDirectory'>): Promise<string> {
    const parent = await this.#resolved(posix.dirname(path));
    const inner = posix.join(parent, posix.basename(path));
    const target = join(await this.#directory(parent, placing), posix.basename(path));
    const there = statOf(target) ?? (await this.base.entry(inner))?.stat;
    if (there?.isDirectory()) throw new VlabError('input', `cannot copy to ${path}: a directory is there`);
    rmSync(target, { force: true });
    return target;
  }

  /** Makes it with all above it. */
  async #directory(path: string, placing: Omit<Placing, 'destination' | 'intoDirectory'>): Promise<string> {
    const here = join(this.root, path);
    if (path === '' || statOf(here)) return here;
    await this.#directory(posix.dirname(path) === '.' ? '' : posix.dirname(path), placing);
    const below = await this.base.entry(path);
    if (below && !below.stat.isDirectory())
      throw new VlabError('input', `cannot make the directory /${path}: a file is there`);
    mkdirSync(here);
    if (below) this.#alike(here, below.stat);
    else {
      this.#finish(here, { mode: 0o755, ...(placing.owner ?? { uid: 0, gid: 0 }) }, undefined);
      this.#times.set(here, placing.timeSeconds);
    }
    return here;
  }

  #alike(path: string, stat: Stats): void {
    this.#finish(path, { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid }, undefined);
    this.#times.set(path, stat.mtimeMs / 1000);
  }

  #finish(path: string, { mode, uid, gid }: { mode: number } & Ownership, seconds: number | undefined): void {
    giveTo(path, { uid, gid });
    chmodSync(path, mode);
    if (seconds !== undefined) utimesSync(path, seconds, seconds);
  }

  #resolved(path: string): Promise<string> {
    return resolvePath(this.#both(), path.slice(1));
  }

  async #isDirectory(path: string): Promise<boolean> {
    return (await this.#both().entry(await this.#resolved(path)))?.stat.isDirectory() ?? false;
  }

  /** What was written goes before the base. */
  #both(): Tree {
    return {
      entry: async (path) => {
        const real = join(this.root, path);
        const stat = statOf(real);
        return stat ? { real, stat } : this.base.entry(path);
      },
      names: (path) => this.base.names(path),
    };
  }
}

/** Without privileges all files are the user's own, which is root in the image. Error (`host`): another one is asked for. */
function giveTo(path: string, { uid, gid }: Ownership): void {
  const own = process.getuid?.() ?? 0;
  if (own === 0) {
    lchownSync(path, uid, gid);
    return;
  }
  const isOwn = [0, own].includes(uid) && [0, process.getgid?.()].includes(gid);
  if (isOwn) return;
  throw new VlabError('host', `only root can give files to the user ${uid}:${gid}`, {
    hint: 'build as root, or without --chown',
  });
}

function owning(stat: Stats, { owner }: Placing): Ownership {
  return owner ?? { uid: stat.uid, gid: stat.gid };
}

function hasDirectory(sources: readonly Source[]): boolean {
  return sources.some(({ items }) => items[0]?.entry.stat.isDirectory());
}

/**
 * The tree of mounts that becomes a container's root, and safe ways to reach places in it. Names are looked up below
 * descriptors that are held: a link of the image leads nowhere else than into the image (openat2(2), RESOLVE_IN_ROOT), no
 * magic link is followed, and what was found is held, so that it cannot be exchanged before it is used. Pure.
 */
import { posix } from 'node:path';
import { ABI, directoryFlags, type Errno, flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import type { Addr, Label, PlanBuilder, StepOptions, Word } from '../../sys/plan.js';
import type { FileKind, HostFiles, ImagePath } from '../host-files.js';
import { OPEN_HOW_BYTES, withinRoot } from './within-root.js';

/**
 * `fresh`: a file system that was made here and that nobody else can reach yet: its names are what the plan made of them.
 * `kernel`: one that the kernel fills (proc, sysfs), mounted here. `other`: anything else; its links are an image's.
 */
export type Trust = 'fresh' | 'kernel' | 'other';

export interface Held {
  path: string;
  word: Word;
  trust: Trust;
}

/** Where a mount goes: a name in a directory, or with an empty name what the descriptor itself is of. */
export interface Place {
  at: Word;
  name: string;
  /** Its path with links followed, as far as they are known. */
  path: string;
  /** What is known of it beforehand. */
  known?: ImagePath | undefined;
}

export interface FindOptions {
  directory?: boolean;
  /** What the descriptor is called; the path, when absent. */
  name?: string;
  why?: string;
  from?: string | undefined;
  hint?: string;
  tolerate?: Errno[];
  jump?: Label;
}

export interface PlaceOptions {
  /** It must be a directory right there, no link to one: so that /proc cannot lie elsewhere. */
  ordinary?: boolean;
  /** Whether it is worth a look at the image beforehand. */
  looks?: boolean;
  /** The JSON path of who wants it. */
  from?: string | undefined;
}

export interface TreeOptions {
  /** The image's directory on the host. */
  rootPath: string;
  /** Nobody else sees these mounts before the container runs. */
  exclusive: boolean;
  files: HostFiles | undefined;
}

export class ContainerTree {
  private readonly held = new Map<string, Held>();
  private readonly hows = new Map<boolean, Addr>();

  constructor(
    private readonly b: PlanBuilder,
    private readonly options: TreeOptions,
  ) {}

  get root(): Word {
    const held = this.held.get('/');
    if (!held) throw new RangeError('the root is not mounted yet');
    return held.word;
  }

  /** Remembers a mount. What was held below it is covered now. */
  hold(path: string, word: Word, trust: Trust): void {
    for (const other of this.held.keys()) if (isBelow(other, path)) this.held.delete(other);
    this.held.set(path, { path, word, trust: trust === 'fresh' && !this.options.exclusive ? 'other' : trust });
  }

  heldAt(path: string): Held | undefined {
    return this.held.get(path);
  }

  /** Whether the name lies in a file system whose names are all of the plan's making. */
  isFresh(path: string): boolean {
    return this.baseOf(path).trust === 'fresh';
  }

  /** The deepest mount of the plan's own at or above the directory of `path`. */
  heldAbove(path: string): Held | undefined {
    for (let above = splitPath(path).parent; ; above = splitPath(above).parent) {
      const held = this.held.get(above);
      if (held || above === '/') return held;
    }
  }

  /** A descriptor of what is at `path` (O_PATH). */
  find(path: string, options: FindOptions = {}): Word {
    const { b } = this;
    const base = this.baseOf(path);
    const { directory = false, from, tolerate, jump } = options;
    const why = options.why ?? `find ${path} without leaving the root`;
    const hint = options.hint ?? `the image has no ${directory ? 'directory ' : ''}${path}`;
    const found = b.word(options.name ?? path);
    b.step('openat2', [base.word, b.str(relativeTo(path, base.path)), this.how(directory), OPEN_HOW_BYTES], why, {
      result: found,
      hint,
      from,
      tolerate,
      jump,
    });
    return found;
  }

  /** A descriptor of a directory, which is made with all its parents where it is missing. */
  directory(path: string, known?: ImagePath, from?: string): Word {
    const held = this.held.get(path);
    if (held && held.trust !== 'other') return held.word;
    if (path === '/') return this.root;
    const base = this.baseOf(path);
    const find = { directory: true, from };
    if (base.trust === 'kernel') return this.find(path, find);
    const names = path.split('/').slice(1);
    const there = Math.max(known?.existing ?? 0, base.path === '/' ? 0 : base.path.split('/').length - 1);
    const pathOf = (count: number) => `/${names.slice(0, count).join('/')}`;
    let at = pathOf(there) === base.path ? base.word : this.find(pathOf(there), find);
    for (let count = there; count < names.length; count++) {
      this.make(at, names[count] as string, pathOf(count + 1), 'directory', from);
      at = this.find(pathOf(count + 1), find);
    }
    return at;
  }

  /** The place for a mount, made where it is missing. A link of the image is followed within the image. */
  place(path: string, kind: FileKind, { ordinary = false, looks = true, from }: PlaceOptions = {}): Place {
    if (path === '/') return { at: this.root, name: '', path };
    const { parent, name } = splitPath(path);
    const base = this.baseOf(path);
    if (base.trust === 'kernel') {
      const at = base.path === parent ? base.word : this.find(path, { from, name: 'place' });
      return { at, name: base.path === parent ? name : '', path };
    }
    if (base.trust === 'fresh' || ordinary) {
      const at = this.directory(parent, this.lookInImage(parent), from);
      this.make(at, name, path, kind, from);
      return { at, name, path };
    }
    const known = looks ? this.lookInImage(path) : undefined;
    if (known && known.path !== path && this.baseOf(known.path).trust !== 'other') {
      return this.place(known.path, kind, { from });
    }
    return this.placeInImage(known?.path ?? path, kind, known, from);
  }

  private placeInImage(path: string, kind: FileKind, known: ImagePath | undefined, from: string | undefined): Place {
    const find = { directory: kind === 'directory', from, name: 'place' };
    if (known?.kind) return { at: this.find(path, find), name: '', path, known };
    const { parent, name } = splitPath(path);
    const at = this.directory(parent, known, from);
    this.make(at, name, path, kind, from);
    // Where nobody has looked there may have been a link before; where there was nothing, none is followed.
    if (known) return { at, name, path, known };
    return { at: this.find(path, find), name: '', path };
  }

  /** What is known of a path of the image; undefined where a mount of the plan's own lies above it. */
  lookInImage(path: string): ImagePath | undefined {
    const above = this.heldAbove(path);
    if (path === '/' || !this.options.files || (above && above.path !== '/') || this.held.has(path)) return undefined;
    return this.options.files.inImage(this.options.rootPath, path);
  }

  /** Puts a mount at its place. A link that took the place's name meanwhile is not followed (no MOVE_MOUNT_T_SYMLINKS). */
  attach(mounted: Word, { at, name }: Pick<Place, 'at' | 'name'>, why: string, options: StepOptions = {}): void {
    const { b } = this;
    const how =
      name === '' ? flags('MOVE_MOUNT_F_EMPTY_PATH', 'MOVE_MOUNT_T_EMPTY_PATH') : flags('MOVE_MOUNT_F_EMPTY_PATH');
    b.step('move_mount', [mounted, b.str(''), at, b.str(name), how], why, options);
  }

  /** A read-only image says EROFS, somebody else's says EACCES; whether it is there, the next step tells. */
  private make(at: Word, name: string, path: string, kind: FileKind, from?: string): void {
    const { b } = this;
    const why = `make sure that ${path} exists`;
    const options: StepOptions = { tolerate: ['EEXIST', 'EROFS', 'EACCES'], from };
    if (kind === 'directory') b.step('mkdirat', [at, b.str(name), num(0o755, '0755')], why, options);
    else b.step('mknodat', [at, b.str(name), num(ABI.S_IFREG | 0o644, 'f644'), 0], why, options);
  }

  /** Where a look-up of `path` begins: at a file system of the plan's own, or at the root. */
  private baseOf(path: string): Held {
    const above = this.heldAbove(path);
    if (above && above.trust !== 'other') return above;
    return { path: '/', word: this.root, trust: 'other' };
  }

  /** struct open_how (openat2(2)). */
  private how(directory: boolean): Addr {
    const known = this.hows.get(directory);
    if (known) return known;
    const open = directory ? directoryFlags(this.b.arch, 'O_PATH', 'O_CLOEXEC') : flags('O_PATH', 'O_CLOEXEC');
    const how = withinRoot(this.b, open, 'IN_ROOT');
    this.hows.set(directory, how);
    return how;
  }
}

/** `/a//b/../c/` → `/a/c`; relative paths are relative to the root (config.md, "Mounts"). */
export function cleanPath(path: string): string {
  // Most are clean, and looking is faster than joining.
  const clean = path.startsWith('/') && !path.endsWith('/') && !path.includes('//') && !path.includes('/.');
  return clean ? path : posix.resolve('/', path);
}

/** The directory that a clean path is in, and its name there. */
export function splitPath(path: string): { parent: string; name: string } {
  const at = path.lastIndexOf('/');
  return { parent: path.slice(0, Math.max(at, 1)), name: path.slice(at + 1) };
}

function isBelow(path: string, above: string): boolean {
  return path !== above && path.startsWith(above === '/' ? '/' : `${above}/`);
}

function relativeTo(path: string, base: string): string {
  return path.slice(base === '/' ? 1 : base.length + 1) || '.';
}

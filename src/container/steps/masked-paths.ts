/**
 * Paths that a container must not see or must not write (config-linux.md, "Masked Paths", "Readonly Paths"). What is covered is
 * held by a descriptor, and so is what covers it, so that neither can be exchanged (CVE-2025-31133, CVE-2025-52881). Pure.
 */
import { type Errno, flags } from '../../sys/abi.js';
import { label, type PlanBuilder, type Word } from '../../sys/plan.js';
import type { ValueChecks } from '../../sys/value-check.js';
import type { FileKind } from '../host-files.js';
import { type ContainerTree, cleanPath, type Place, splitPath } from './container-tree.js';
import { changeMount } from './mount-attributes.js';
import { verifyNode } from './verify-node.js';

/** A path that is not there needs no cover. */
const ABSENT: Errno[] = ['ENOENT', 'ENOTDIR'];

export interface PathOptions {
  /** What the paths of this kernel's proc and sysfs are; what is missing here is missing there. */
  kernelPaths: Readonly<Record<string, FileKind>>;
  /** The container's own /dev/null was made by the plan, where nobody else could. */
  ownNull: boolean;
}

export class PathCovers {
  /** The empty directory, where it covers something already. */
  private empty: Word | undefined;
  private hostNull: Word | undefined;
  private readonly seen = new Map<string, boolean>();

  constructor(
    private readonly b: PlanBuilder,
    private readonly tree: ContainerTree,
    private readonly checks: ValueChecks,
    private readonly options: PathOptions,
  ) {}

  /** An empty directory that nobody can write over directories, /dev/null over anything else. */
  mask(paths: readonly string[]): void {
    for (const path of paths.map(cleanPath)) {
      const known = this.known(path);
      if (known === 'absent') continue;
      if (known === undefined) this.maskEither(path);
      else {
        if (known === 'file') this.holdNull();
        const place = this.kernelPlace(path);
        const cover = this.cover(known, path);
        this.tree.attach(cover, place, `mask ${path}`);
        if (known === 'directory') this.empty ??= cover;
      }
    }
  }

  /** Mounts them over themselves, read-only. */
  readonly(paths: readonly string[]): void {
    const { b, tree } = this;
    for (const path of paths.map(cleanPath)) {
      const known = this.known(path);
      if (known === 'absent') continue;
      if (known !== undefined) this.copyOver(path, this.kernelPlace(path));
      else {
        const absent = label(`no ${path}`);
        const at = tree.find(path, { tolerate: ABSENT, jump: absent });
        this.copyOver(path, { at, name: '' });
        b.place(absent);
      }
    }
  }

  private copyOver(path: string, place: Pick<Place, 'at' | 'name'>): void {
    const { b } = this;
    const copy = b.word('tree');
    const empty = place.name === '' ? (['AT_EMPTY_PATH'] as const) : [];
    const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_RECURSIVE', ...empty);
    b.step('open_tree', [place.at, b.str(place.name), how], `take ${path} once more`, { result: copy });
    changeMount(b, copy, { set: ['MOUNT_ATTR_RDONLY'], recursive: true }, 'with MOUNT_ATTR_RDONLY');
    this.tree.attach(copy, place, 'and mount it over itself');
  }

  /** Where only the plan will see what the path is. */
  private maskEither(path: string): void {
    const { b, tree } = this;
    const masked = label(`${path} is masked`);
    this.holdNull(); // it is not for a step that may be jumped over
    const noDirectory = label(`${path} is no directory`);
    const directory = tree.find(path, { directory: true, tolerate: ABSENT, jump: noDirectory });
    const place = { at: directory, name: '' };
    tree.attach(this.cover('directory', path), place, `mask ${path}`, { jump: masked, jumpOn: 'zero' });
    b.place(noDirectory);
    const file = tree.find(path, { tolerate: ABSENT, jump: masked });
    tree.attach(this.cover('file', path), { at: file, name: '' }, `mask ${path}`);
    b.place(masked);
  }

  /** Of a path in a proc or sysfs of the plan's own it is known what it is; `undefined` for all others. */
  private known(path: string): FileKind | 'absent' | undefined {
    const above = this.tree.heldAbove(path);
    if (above?.trust !== 'kernel' || PER_CONTAINER.some((one) => path.startsWith(one))) return undefined;
    return this.options.kernelPaths[path] ?? (this.seesInto(above.path) ? 'absent' : undefined);
  }

  /** Where the caller sees nothing of such a file system, what it does not see may be there. */
  private seesInto(mounted: string): boolean {
    let seen = this.seen.get(mounted);
    if (seen === undefined) {
      seen = Object.keys(this.options.kernelPaths).some((path) => path.startsWith(`${mounted}/`));
      this.seen.set(mounted, seen);
    }
    return seen;
  }

  private kernelPlace(path: string): Pick<Place, 'at' | 'name'> {
    const { tree } = this;
    const { parent, name } = splitPath(path);
    const above = tree.heldAbove(path);
    if (above?.path === parent) return { at: above.word, name };
    return { at: tree.find(parent, { directory: true }), name };
  }

  private holdNull(): void {
    const { b } = this;
    if (this.hostNull || this.options.ownNull) return;
    const open = flags('O_PATH', 'O_CLOEXEC');
    this.hostNull = b.word('null');
    b.step('openat', [flags('AT_FDCWD'), b.str('/dev/null'), open], "the host's /dev/null, not what the image has", {
      result: this.hostNull,
    });
    const hint = 'the host has no /dev/null';
    verifyNode(b, this.checks, this.hostNull, { type: 'c', major: 1, minor: 3 }, { hint });
  }

  private cover(kind: FileKind, path: string): Word {
    const { b } = this;
    // Kernels before 6.15 copy no mount that was never attached; and one that is left over unmounts itself at exec, which waits
    // for all processors.
    if (kind === 'directory' && !this.empty) return this.emptyDirectory();
    const cover = b.word('cover');
    const held = kind === 'directory' ? this.empty : this.hostNull;
    const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', ...(held ? (['AT_EMPTY_PATH'] as const) : []));
    const from = held ? [held, b.str('')] : [this.tree.heldAt('/dev')?.word ?? this.tree.root, b.str('null')];
    b.step('open_tree', [...from, how], `a cover for ${path}`, { result: cover });
    return cover;
  }

  private emptyDirectory(): Word {
    const { b } = this;
    const context = b.word('fs');
    const empty = b.word('empty');
    b.step('fsopen', [b.str('tmpfs'), flags('FSOPEN_CLOEXEC')], 'begin an empty directory', { result: context });
    b.step('fsconfig', [context, flags('FSCONFIG_CMD_CREATE'), 0, 0, 0], 'create it');
    const attributes = flags('MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV', 'MOUNT_ATTR_NOEXEC');
    b.step('fsmount', [context, flags('FSMOUNT_CLOEXEC'), attributes], 'that nobody can write', { result: empty });
    return empty;
  }
}

/** How paths begin that differ between the namespaces of a container and of the caller. */
const PER_CONTAINER = [
  ...Array.from({ length: 9 }, (_, digit) => `/proc/${digit + 1}`),
  ...['/proc/self', '/proc/thread-self', '/proc/net', '/proc/sys/net', '/sys/class/net', '/sys/devices/virtual/net'],
];

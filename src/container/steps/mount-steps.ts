/**
 * The file systems of a container as steps. Everything is mounted through descriptors (fsopen(2), fsmount(2),
 * open_tree(2), move_mount(2)): a target is never looked up through a link that the image brought along.
 */
import { ABI, type AbiName, directoryFlags, flags } from '../../sys/abi.js';
import { words64 } from '../../sys/encode.js';
import { num } from '../../sys/num.js';
import type { Addr, ArgLike, PlanBuilder, StepOptions, Word } from '../../sys/plan.js';
import type { OciDevice, OciMount } from '../config/schema.js';

const ATTRIBUTES: Record<string, AbiName> = {
  ro: 'MOUNT_ATTR_RDONLY',
  nosuid: 'MOUNT_ATTR_NOSUID',
  nodev: 'MOUNT_ATTR_NODEV',
  noexec: 'MOUNT_ATTR_NOEXEC',
  noatime: 'MOUNT_ATTR_NOATIME',
};

/** struct mount_attr: set, clear, propagation, userns_fd (mount_setattr(2)). */
const MOUNT_ATTR_BYTES = 32;

export class MountSteps {
  /** Descriptors of what is mounted, by its path in the container. */
  private readonly held = new Map<string, Word>();

  constructor(
    private readonly b: PlanBuilder,
    private readonly rootless: boolean,
  ) {}

  /** The root: a private copy of the tree at `path`, mounted over itself so that pivot_root(2) accepts it. */
  root(path: string): void {
    const { b } = this;
    const root = b.word('root');
    const where = b.str(path);
    const hint = `check that ${path} is a directory that this user may read`;
    b.step('mount', [0, b.str('/'), 0, flags('MS_REC', 'MS_PRIVATE'), 0], 'let no mount event reach the host');
    const tree = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_RECURSIVE');
    b.step('open_tree', [flags('AT_FDCWD'), where, tree], 'take a private copy of the root file system', {
      result: root,
      hint,
    });
    this.moveTo(root, flags('AT_FDCWD'), path, 'mount it, so that it can become the root', { hint });
    this.held.set('/', root);
  }

  /** Mounts one entry of config.mounts. */
  mount(entry: OciMount): void {
    const { b } = this;
    const attributes = flags(...entry.options.flatMap((option) => ATTRIBUTES[option] ?? []));
    const context = b.word('fs');
    const mounted = b.word(entry.destination);
    b.step('fsopen', [b.str(entry.type ?? 'none'), flags('FSOPEN_CLOEXEC')], `begin a new ${entry.type}`, {
      result: context,
    });
    for (const option of entry.options.filter((name) => !(name in ATTRIBUTES))) {
      const [key = '', value] = option.split('=', 2);
      const [command, text] =
        value === undefined ? (['FSCONFIG_SET_FLAG', 0] as const) : (['FSCONFIG_SET_STRING', b.str(value)] as const);
      b.step('fsconfig', [context, flags(command), b.str(key), text, 0], `with ${option}`);
    }
    b.step('fsconfig', [context, flags('FSCONFIG_CMD_CREATE'), 0, 0, 0], 'create it');
    b.step('fsmount', [context, flags('FSMOUNT_CLOEXEC'), attributes], 'make a mount of it', { result: mounted });
    this.attach(mounted, entry.destination);
    this.held.set(entry.destination, mounted);
  }

  /** Device nodes: made anew with root, bound from the host without. Links beside them as config-linux.md has them. */
  devices(devices: readonly OciDevice[]): void {
    const { b } = this;
    b.step('umask', [0], 'device nodes get exactly the modes that are asked for');
    for (const device of devices) {
      const { at, name } = this.parent(device.path);
      const kind = device.type === 'c' ? ABI.S_IFCHR : 0o060000;
      if (!this.rootless) {
        const mode = num(kind | (device.fileMode ?? 0o666), `${device.type}${(device.fileMode ?? 0o666).toString(8)}`);
        const number = num(makedev(device.major ?? 0, device.minor ?? 0), `${device.major}:${device.minor}`);
        b.step('mknodat', [at, b.str(name), mode, number], `make ${device.path}`);
        continue;
      }
      const tree = b.word('node');
      b.step('mknodat', [at, b.str(name), num(ABI.S_IFREG | 0o666), 0], `make a place for ${device.path}`);
      const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC');
      b.step('open_tree', [flags('AT_FDCWD'), b.str(device.path), how], `take the host's ${device.path}`, {
        result: tree,
      });
      this.moveTo(tree, at, name, 'and show it here');
    }
    for (const [link, target] of DEV_LINKS) {
      const { at, name } = this.parent(link);
      b.step('symlinkat', [b.str(target), at, b.str(name)], `link ${link} to ${target}`);
    }
  }

  /** Hides kernel interfaces: an empty read-only directory over directories, /dev/null over files. */
  mask(paths: readonly string[], kernelPaths: Readonly<Record<string, 'file' | 'directory'>>): void {
    const { b } = this;
    const present = paths.filter((path) => kernelPaths[path] && this.heldAbove(path)?.path !== '/');
    for (const path of present) {
      const { at, name } = this.parent(path);
      const known = this.held.get(EMPTY_DIRECTORY);
      if (kernelPaths[path] === 'directory' && !known) {
        // The first is no copy: a mount that is left over unmounts itself at exec, which waits for all processors.
        this.moveTo(this.emptyDirectory(), at, name, `mask ${path}`);
        continue;
      }
      const cover = b.word('cover');
      const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', ...(kernelPaths[path] === 'directory' ? EMPTY : []));
      const dev = this.held.get('/dev');
      const from: [ArgLike, Addr] =
        kernelPaths[path] === 'directory' && known
          ? [known, b.str('')]
          : [dev ?? flags('AT_FDCWD'), b.str(dev ? 'null' : '/dev/null')];
      b.step('open_tree', [...from, how], `a cover for ${path}`, { result: cover });
      this.moveTo(cover, at, name, `mask ${path}`);
    }
  }

  private emptyDirectory(): Word {
    const { b } = this;
    const context = b.word('fs');
    const empty = b.word('empty');
    b.step('fsopen', [b.str('tmpfs'), flags('FSOPEN_CLOEXEC')], 'begin an empty directory', { result: context });
    b.step('fsconfig', [context, flags('FSCONFIG_CMD_CREATE'), 0, 0, 0], 'create it');
    const attributes = flags('MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV', 'MOUNT_ATTR_NOEXEC');
    b.step('fsmount', [context, flags('FSMOUNT_CLOEXEC'), attributes], 'that nobody can write', { result: empty });
    this.held.set(EMPTY_DIRECTORY, empty);
    return empty;
  }

  /** Makes parts of /proc read-only by mounting them over themselves. */
  readonly(paths: readonly string[], kernelPaths: Readonly<Record<string, 'file' | 'directory'>>): void {
    const { b } = this;
    for (const path of paths.filter((one) => kernelPaths[one] && this.heldAbove(one)?.path !== '/')) {
      const { at, name } = this.parent(path);
      const tree = b.word('tree');
      const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_RECURSIVE');
      b.step('open_tree', [at, b.str(name), how], `take ${path} once more`, { result: tree });
      this.restrict(tree, ['MOUNT_ATTR_RDONLY'], true);
      this.moveTo(tree, at, name, 'and mount it over itself');
    }
  }

  /** Makes the whole root file system read-only; what is mounted on it stays as it is. */
  readonlyRoot(): void {
    this.restrict(this.heldOrThrow('/'), ['MOUNT_ATTR_RDONLY'], false);
  }

  /** Enters the new root and lets go of the old one. pivot_root(2), "pivot_root(".", ".")". */
  pivot(): void {
    const { b } = this;
    const here = b.str('.');
    b.step('fchdir', [this.heldOrThrow('/')], 'stand in the new root');
    b.step('pivot_root', [here, here], 'make it the root; the old one lies on top of it');
    b.step('umount2', [here, flags('MNT_DETACH')], "let go of the host's file systems");
    b.step('chdir', [b.str('/')], 'and stand in the root');
  }

  /** The descriptor of something mounted before. */
  heldOrThrow(path: string): Word {
    const word = this.held.get(path);
    if (!word) throw new RangeError(`nothing is mounted at ${path}`);
    return word;
  }

  private restrict(tree: Word, attributes: AbiName[], recursive: boolean): void {
    const set = flags(...attributes);
    const attr = this.b.data(words64(set.value, 0, 0, 0), `{set ${set.text}}`);
    const how = flags('AT_EMPTY_PATH', ...(recursive ? (['AT_RECURSIVE'] as const) : []));
    this.b.step('mount_setattr', [tree, this.b.str(''), how, attr, MOUNT_ATTR_BYTES], `with ${set.text}`);
  }

  /** Puts a mount at its destination, making the directory if the image lacks it. */
  private attach(mounted: Word, destination: string): void {
    const { at, name } = this.parent(destination);
    const mode = num(0o755, '0755');
    // A read-only image says EROFS, somebody else's says EACCES; whether the directory is there, move_mount tells.
    this.b.step('mkdirat', [at, this.b.str(name), mode], `make sure that ${destination} exists`, {
      tolerate: ['EEXIST', 'EROFS', 'EACCES'],
    });
    const hint = `the image must have a directory, not a link or a file, at ${destination}`;
    this.moveTo(mounted, at, name, `mount it at ${destination}`, { hint });
  }

  /** move_mount without MOVE_MOUNT_T_SYMLINKS: a link as the last component is refused, not followed. */
  private moveTo(from: Word, at: ArgLike, name: string, why: string, options: StepOptions = {}): void {
    const { b } = this;
    b.step('move_mount', [from, b.str(''), at, b.str(name), flags('MOVE_MOUNT_F_EMPTY_PATH')], why, options);
  }

  /**
   * A descriptor of the directory that holds `path`, and the last component. Directories that vlab mounted itself are at
   * hand; others are opened below the root, where links can lead nowhere else (openat2(2), RESOLVE_IN_ROOT).
   */
  private parent(path: string): { at: Word; name: string } {
    const parts = path.split('/').filter(Boolean);
    const name = parts.pop() ?? '.';
    const above = this.heldAbove(path);
    if (above && `${above.path === '/' ? '' : above.path}/${name}` === `/${[...parts, name].join('/')}`) {
      return { at: above.word, name };
    }
    return { at: this.open(parts, above), name };
  }

  private open(parts: string[], above: { path: string; word: Word } | undefined): Word {
    const { b } = this;
    const base = above ?? { path: '/', word: this.heldOrThrow('/') };
    const below = parts.slice(base.path.split('/').filter(Boolean).length).join('/');
    const directory = b.word(`/${parts.join('/')}`);
    const open = directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC');
    const how = b.data(
      words64(open.value, 0, ABI.RESOLVE_IN_ROOT | ABI.RESOLVE_NO_MAGICLINKS),
      `{${open.text}, IN_ROOT}`,
    );
    b.step('openat2', [base.word, b.str(below), how, 24], `find /${parts.join('/')} without leaving the root`, {
      result: directory,
      hint: `the image has no directory /${parts.join('/')}`,
    });
    return directory;
  }

  /** The deepest mount of vlab's own at or above the directory of `path`. */
  private heldAbove(path: string): { path: string; word: Word } | undefined {
    const parts = path.split('/').filter(Boolean).slice(0, -1);
    for (let depth = parts.length; depth >= 0; depth--) {
      const candidate = `/${parts.slice(0, depth).join('/')}`;
      const word = this.held.get(candidate);
      if (word) return { path: candidate, word };
    }
    return undefined;
  }
}

const EMPTY: AbiName[] = ['AT_EMPTY_PATH'];
const EMPTY_DIRECTORY = 'the empty directory';

const DEV_LINKS: [string, string][] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/ptmx', 'pts/ptmx'],
];

/** makedev(3) for the 32-bit device numbers of mknod(2). */
function makedev(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

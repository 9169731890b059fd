/**
 * An overlay of layers as steps (Documentation/filesystems/overlayfs.rst). Layers are named from the directory that holds them,
 * which is made the working directory: a parameter of fsconfig(2) has at most 255 bytes, and so nothing of a host's path needs
 * to be escaped. Pure.
 */
import { posix } from 'node:path';
import type { LowerLayer, OverlayRoot } from '../../storage/root-mount.js';
import { directoryFlags, flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder, StepOptions, Word } from '../../sys/plan.js';
import { changeMount } from './mount-attributes.js';

/** The user namespace of a container, by which owners on disk are ids inside of it (mount_setattr(2), id-mapped mounts). */
export interface MappedIds {
  namespace: Word;
  /** The ids outside of its root. */
  uid: number;
  gid: number;
}

export interface LayerOptions {
  idmap?: MappedIds | undefined;
  /** SELinux's label for all files. */
  label?: string | undefined;
}

/** No layer leads into another, and what is changed is copied whole: so the upper one is a layer of an image as it is. */
const ALWAYS = ['redirect_dir=nofollow', 'metacopy=off', 'index=off'];

const HINT: StepOptions = {
  hint: 'the layers must be directories on file systems that overlayfs works on (see `vlab doctor`)',
};

function parametersOf(root: OverlayRoot, label: string | undefined): string[] {
  const context = label === undefined ? [] : [`context=${label}`];
  return [...ALWAYS, ...context, ...(root.userXattr ? ['userxattr'] : []), ...(root.volatile ? ['volatile'] : [])];
}

/** Makes it, one layer at a time, as a mount that is attached nowhere. */
export function overlayMount(b: PlanBuilder, root: OverlayRoot, { idmap, label }: LayerOptions): Word {
  const erofs = new Map<LowerLayer, Word>();
  for (const layer of root.lower) if (layer.kind === 'erofs') erofs.set(layer, erofsMount(b, layer.path, idmap));
  const overlay = b.word('overlay');
  const set = (key: string, value: string, why: string) =>
    b.step('fsconfig', [overlay, flags('FSCONFIG_SET_STRING'), b.str(key), b.str(value), 0], why, HINT);
  b.step('fsopen', [b.str('overlay'), flags('FSOPEN_CLOEXEC')], 'begin the root, an overlay of layers', {
    result: overlay,
    hint: 'this kernel must have overlayfs, and let it be mounted here',
  });
  set('source', 'overlay', 'what it is called among mounts');
  for (const parameter of parametersOf(root, label)) {
    const [key = '', value] = split(parameter);
    if (value === undefined) b.step('fsconfig', [overlay, flags('FSCONFIG_SET_FLAG'), b.str(key), 0, 0], `with ${key}`);
    else set(key, value, `with ${parameter}`);
  }
  const folder = folderOf(root.lower.filter(({ kind }) => kind === 'directory').map(({ path }) => path));
  let folderHeld: Word | undefined;
  let standsIn: Word | undefined;
  for (const layer of root.lower) {
    const own = erofs.get(layer);
    const place = own ?? folderHeld ?? hold(b, folder, 'what holds the layers', idmap);
    if (!own) folderHeld = place;
    if (standsIn !== place) b.step('fchdir', [place], own ? 'stand in the erofs' : 'stand where the layers are');
    standsIn = place;
    set('lowerdir+', own ? '.' : posix.relative(folder, layer.path), own ? 'below: it' : 'below: this layer');
  }
  const home = folderOf([root.upper, root.work]);
  b.step('fchdir', [hold(b, home, "what holds the container's own layer", idmap)], 'stand there');
  if (root.volatile) forgetVolatile(b, posix.relative(home, root.work));
  set('upperdir', posix.relative(home, root.upper), 'changes go there');
  set('workdir', posix.relative(home, root.work), 'and are prepared there');
  const create = () => b.step('fsconfig', [overlay, flags('FSCONFIG_CMD_CREATE'), 0, 0, 0], 'create it', HINT);
  if (idmap) asRootOf(b, idmap, create);
  else create();
  const mounted = b.word('root');
  b.step('fsmount', [overlay, flags('FSMOUNT_CLOEXEC'), 0], 'make a mount of it', { result: mounted });
  return mounted;
}

/** A volatile overlay leaves a mark that refuses the next mount: after a crash of the machine files may lack, and nobody keeps those. */
function forgetVolatile(b: PlanBuilder, work: string): void {
  for (const mark of ['volatile/dirty', 'volatile', '.']) {
    const path = b.str(posix.join(work, 'work/incompat', mark));
    const how = mark === 'volatile/dirty' ? 0 : flags('AT_REMOVEDIR');
    b.step('unlinkat', [flags('AT_FDCWD'), path, how], 'forget that it was mounted before', { tolerate: ['ENOENT'] });
  }
}

/**
 * Who creates an overlay makes all that is made in its upper layer (creator's credentials), so it must be somebody whom the mapping
 * knows; and it needs its privileges for that.
 */
function asRootOf(b: PlanBuilder, { uid, gid }: MappedIds, create: () => void): void {
  const [bits, same] = [b.word('securebits'), num(-1n, '-1')];
  b.step('prctl', [flags('PR_GET_SECUREBITS'), 0, 0, 0, 0], 'remember how ids and privileges go together', {
    result: bits,
  });
  b.step('prctl', [flags('PR_SET_SECUREBITS'), flags('SECBIT_NO_SETUID_FIXUP'), 0, 0, 0], 'keep privileges meanwhile');
  b.step('setresgid', [same, gid, same], "become the container's root for a moment");
  b.step('setresuid', [same, uid, same], 'as user, too');
  create();
  b.step('setresuid', [same, 0, same], 'be oneself again');
  b.step('setresgid', [same, 0, same], 'as group, too');
  b.step('prctl', [flags('PR_SET_SECUREBITS'), bits, 0, 0, 0], 'as it was');
}

/** A directory, or with mapped ids a mount of it that is attached nowhere. */
export function hold(b: PlanBuilder, path: string, why: string, idmap: MappedIds | undefined): Word {
  const held = b.word('folder');
  const where = [flags('AT_FDCWD'), b.str(path)] as const;
  if (!idmap) {
    const how = directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC');
    b.step('openat', [...where, how], `take ${why}`, { result: held, ...HINT });
    return held;
  }
  b.step('open_tree', [...where, flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC')], `take ${why}`, {
    result: held,
    ...HINT,
  });
  changeMount(b, held, { idmap: idmap.namespace }, 'owners in it are ids of the container', {
    hint: 'the file system must be one whose ids can be mapped (mount_setattr(2))',
  });
  return held;
}

/** An erofs in a file, which the kernel reads without a device (CONFIG_EROFS_FS_BACKED_BY_FILE, Linux 6.12). */
function erofsMount(b: PlanBuilder, path: string, idmap: MappedIds | undefined): Word {
  const [context, mounted] = [b.word('erofs'), b.word('lower')];
  const hint = 'this kernel must mount an erofs from a file';
  const folder = posix.dirname(path);
  b.step('fchdir', [hold(b, folder, 'what holds the erofs', undefined)], 'stand there');
  b.step('fsopen', [b.str('erofs'), flags('FSOPEN_CLOEXEC')], 'begin an erofs', { result: context, hint });
  const source = [context, flags('FSCONFIG_SET_STRING'), b.str('source'), b.str(posix.basename(path)), 0] as const;
  b.step('fsconfig', [...source], 'of this file', { hint });
  b.step('fsconfig', [context, flags('FSCONFIG_SET_FLAG'), b.str('ro'), 0, 0], 'only to be read');
  b.step('fsconfig', [context, flags('FSCONFIG_CMD_CREATE'), 0, 0, 0], 'create it', { hint });
  b.step('fsmount', [context, flags('FSMOUNT_CLOEXEC'), 0], 'make a mount of it', { result: mounted });
  if (idmap) changeMount(b, mounted, { idmap: idmap.namespace }, 'owners in it are ids of the container');
  return mounted;
}

/** First of the numbers under which layers are held; three digits each. A program's own limit of descriptors comes later. */
const FIRST_NUMBER = 400;

/**
 * The same for kernels that take all layers in one string: mount(2) has a page for it, and so layers are given by the numbers of
 * their descriptors, from within /proc/self/fd. The mount is attached at `root.place` in the caller's mount namespace.
 */
export function overlayByOldCall(b: PlanBuilder, root: OverlayRoot, { label }: Pick<LayerOptions, 'label'>): Word {
  const folder = directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC');
  const numbered = (path: string, number: number) => {
    const held = b.word('layer');
    b.step('openat', [flags('AT_FDCWD'), b.str(path), folder], 'take a layer', { result: held, ...HINT });
    b.step('dup3', [held, number, flags('O_CLOEXEC')], `as ${number}`);
    b.step('close', [held], 'once is enough');
    return number;
  };
  const home = folderOf([root.upper, root.work]);
  const own = numbered(home, FIRST_NUMBER - 1);
  const lower = root.lower.map(({ path }, index) => numbered(path, FIRST_NUMBER + index));
  const within = (path: string) => `${own}/${posix.relative(home, path)}`;
  const parameters = [
    `lowerdir=${lower.join(':')}`,
    `upperdir=${within(root.upper)}`,
    `workdir=${within(root.work)}`,
    ...parametersOf(root, label),
  ];
  b.step('chdir', [b.str('/proc/self/fd')], 'where descriptors have short names');
  if (root.volatile) forgetVolatile(b, within(root.work));
  const [type, data] = [b.str('overlay'), b.str(parameters.join(','))];
  b.step('mount', [type, b.str(root.place), type, 0, data], 'mount the root, an overlay of layers', HINT);
  const mounted = b.word('root');
  b.step('openat', [flags('AT_FDCWD'), b.str(root.place), folder], 'take hold of it', { result: mounted });
  for (const number of [own, ...lower]) b.step('close', [num(number, String(number))], 'the overlay has it');
  return mounted;
}

/** The deepest directory that all are below. */
export function folderOf(paths: readonly string[]): string {
  const [first = '/', ...others] = paths.map((path) => posix.dirname(path));
  let folder = first;
  while (!others.every((path) => path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`))) {
    folder = posix.dirname(folder);
  }
  return folder;
}

function split(parameter: string): [string, string?] {
  const at = parameter.indexOf('=');
  return at < 0 ? [parameter] : [parameter.slice(0, at), parameter.slice(at + 1)];
}

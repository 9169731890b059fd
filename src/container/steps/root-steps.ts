/** The root of a container: how it is made, and how it becomes the root (pivot_root(2), mount_namespaces(7)). Pure. */
import { type AbiName, flags } from '../../sys/abi.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import type { OciConfig } from '../config/schema.js';
import type { HostAbilities } from '../host-abilities.js';
import { changeMount } from './mount-attributes.js';
import type { MadeRoot } from './root-mount-steps.js';

export interface RootPlan {
  /** The directory on the host. */
  path: string;
  /**
   * Of a mount namespace of its own the container gets all (`pivot`), or, where pivot_root(2) cannot work since the host's root
   * is a ramdisk, lies on top of the host's (`move`). In a namespace of others it changes its own root only (`chroot`).
   */
  way: 'pivot' | 'move' | 'chroot';
  /** Its mounts are the caller's: they are made by the parent, and taken away by it. */
  inherited: boolean;
  /** What mounts of the host that it is made of do with events (mount_namespaces(7), "Shared subtrees"). */
  fromHost: 'MS_SLAVE' | 'MS_PRIVATE';
  /** Volumes may be shared with the host: they are taken before the host's tree stops to be. */
  sharesWithHost: boolean;
  /** What its root becomes at the end. */
  finally: { as: AbiName; recursive: boolean } | undefined;
}

/** `path`: the absolute one. config-linux.md, "Rootfs Mount Propagation"; absent is rslave, as it is with runc and crun. */
export function rootPlan(
  config: OciConfig,
  path: string,
  noPivot: boolean,
  isOwnNamespace: HostAbilities['isOwnNamespace'],
): RootPlan {
  const mount = config.linux.namespaces.find(({ type }) => type === 'mount');
  const asked = config.linux.rootfsPropagation ?? '';
  const kind = asked.replace(/^r/, '');
  const later: AbiName | undefined =
    kind === 'shared' ? 'MS_SHARED' : kind === 'unbindable' ? 'MS_UNBINDABLE' : undefined;
  return {
    path,
    way: !mount || mount.path ? 'chroot' : noPivot ? 'move' : 'pivot',
    inherited: !mount || (mount.path ? isOwnNamespace('mount', mount.path) : false),
    fromHost: kind === 'private' ? 'MS_PRIVATE' : 'MS_SLAVE',
    sharesWithHost: kind === 'shared',
    finally: later && { as: later, recursive: asked.startsWith('r') },
  };
}

/** In a mount namespace of its own, before anything is mounted. */
export function leaveHostAlone(b: PlanBuilder, { fromHost }: RootPlan): void {
  b.step('mount', [0, b.str('/'), 0, flags('MS_REC', fromHost), 0], 'let no mount event reach the host');
}

/**
 * Mounts the root at its path, so that pivot_root(2) accepts it and hooks find it: what was `made` for it, or a private copy of
 * the tree that is there.
 */
export function mountRoot(b: PlanBuilder, { path, way }: RootPlan, made?: MadeRoot): Word {
  const root = made?.mounted ?? copyOfTree(b, path);
  if (made?.place !== 'attached') {
    const here = made?.place === 'cwd';
    const how = flags('MOVE_MOUNT_F_EMPTY_PATH', here ? 'MOVE_MOUNT_T_EMPTY_PATH' : 'MOVE_MOUNT_T_SYMLINKS');
    const attach = [root, b.str(''), flags('AT_FDCWD'), b.str(here ? '' : path), how] as const;
    b.step('move_mount', [...attach], 'mount it, so that it can become the root', { hint: hint(path) });
  }
  if (way === 'chroot') {
    // Where it is attached to something shared, it has become so itself.
    changeMount(b, root, { propagation: 'MS_PRIVATE', recursive: true }, 'let no mount on it show up elsewhere');
  }
  return root;
}

function copyOfTree(b: PlanBuilder, path: string): Word {
  const root = b.word('root');
  const tree = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_RECURSIVE');
  b.step('open_tree', [flags('AT_FDCWD'), b.str(path), tree], 'take a private copy of the root file system', {
    result: root,
    hint: hint(path),
  });
  return root;
}

const hint = (path: string) => `check that ${path} is a directory that this user may read`;

/** Enters the new root and lets go of the old one. pivot_root(2), "pivot_root(".", ".")". */
export function enterRoot(b: PlanBuilder, { way, finally: last }: RootPlan, root: Word): void {
  const here = b.str('.');
  if (way === 'move') {
    // Whoever could mount in the container would be let, as long as these are to be seen in full.
    for (const path of ['/sys', '/proc']) {
      b.step('umount2', [b.str(path), flags('MNT_DETACH')], `hide the host's ${path}, which it could reach`, {
        tolerate: ['EINVAL', 'ENOENT'],
      });
    }
    const how = flags('MOVE_MOUNT_F_EMPTY_PATH');
    b.step('move_mount', [root, b.str(''), flags('AT_FDCWD'), b.str('/'), how], "lay it on top of the host's root");
  }
  b.step('fchdir', [root], 'stand in the new root');
  if (way === 'pivot') {
    b.step('pivot_root', [here, here], 'make it the root; the old one lies on top of it');
    b.step('umount2', [here, flags('MNT_DETACH')], "let go of the host's file systems");
  } else b.step('chroot', [here], 'make it the root of this process');
  b.step('chdir', [b.str('/')], 'and stand in the root');
  if (last) {
    const how = flags(...(last.recursive ? (['MS_REC'] as const) : []), last.as);
    b.step('mount', [0, b.str('/'), 0, how, 0], 'what is mounted in it spreads as asked', {
      from: 'linux.rootfsPropagation',
    });
  }
}

/** In the parent, when a container has ended whose mounts are the caller's. */
export function unmountRoot(b: PlanBuilder, root: Word): void {
  b.step('fchdir', [root], 'stand in its root, which no name may stand for');
  b.step('umount2', [b.str('.'), flags('MNT_DETACH')], 'and take it away, with all that is mounted in it');
  b.step('chdir', [b.str('/')], 'stand elsewhere');
}

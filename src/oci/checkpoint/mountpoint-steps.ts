/**
 * Places for a container's mounts, where a root file system lacks them since it is not the one that the checkpoint was made
 * on. criu makes none. Names are looked up within the image, as at the container's creation. Pure.
 */
import { resolve } from 'node:path';
import type { OciConfig, OciMount } from '../../container/config/schema.js';
import type { Situation } from '../../container/situation.js';
import { ContainerTree, cleanPath } from '../../container/steps/container-tree.js';
import { readMountOptions } from '../../container/steps/mount-options.js';
import { directoryFlags, flags } from '../../sys/abi.js';
import type { PlanBuilder } from '../../sys/plan.js';
import { isBind } from './external-mounts.js';

export interface Roots {
  bundle: string;
  rootfs: string;
}

export function makeMountpoints(b: PlanBuilder, config: OciConfig, { files }: Situation, roots: Roots): void {
  const trees = new Map<string, ContainerTree>();
  const mounts = config.mounts.map((entry, index) => ({ entry, index, path: cleanPath(entry.destination) }));
  /** The image, or the source of a bind. */
  const treeOf = (path: string): ContainerTree => {
    const known = trees.get(path);
    if (known) return known;
    const tree = new ContainerTree(b, { rootPath: path, exclusive: false, files });
    const root = b.word('root');
    const how = directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC');
    b.step('openat', [flags('AT_FDCWD'), b.str(path), how], `hold ${path}`, { result: root });
    tree.hold('/', root, 'other');
    trees.set(path, tree);
    return tree;
  };
  for (const { entry, index, path } of mounts) {
    if (changesOnly(entry) || path === '/') continue;
    const above = mounts.slice(0, index).findLast((other) => other.path !== '/' && path.startsWith(`${other.path}/`));
    const kind = isBind(entry)
      ? (files?.kindOf(resolve(roots.bundle, entry.source ?? '')) ?? 'directory')
      : 'directory';
    const from = `mounts[${index}]`;
    if (!above) treeOf(roots.rootfs).place(path, kind, { from });
    else if (isBind(above.entry)) {
      const source = resolve(roots.bundle, above.entry.source ?? '');
      treeOf(source).place(path.slice(above.path.length), kind, { from });
    }
    // Others are file systems of the container's own: what is in them is in the image, or the kernel's.
  }
}

/** `remount`, and options that only change how events spread. */
function changesOnly(entry: OciMount): boolean {
  const named = entry.type !== undefined && entry.type !== '' && entry.type !== 'none';
  return readMountOptions(entry.options).remount || (!named && !isBind(entry));
}

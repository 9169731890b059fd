/**
 * Mounts of type `cgroup`: what a container sees of its cgroups (config-linux.md, "Default Filesystems"; cgroups(7)). Version
 * 2 is one file system. Of version 1 each hierarchy is one, below a tmpfs, with links for controllers that share one. Pure.
 */
import { flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import { label, type PlanBuilder, type Word } from '../../sys/plan.js';
import type { OciMount } from '../config/schema.js';
import { changeTree } from './bind-mounts.js';
import type { ContainerTree } from './container-tree.js';
import { changeMount, changesOf, type MountChange } from './mount-attributes.js';
import { type MountOptions, readMountOptions } from './mount-options.js';
import { makeFilesystem } from './new-filesystem.js';

/** A directory of the container's own, in one hierarchy. */
export interface OwnCgroup {
  version: 1 | 2;
  controllers: readonly string[];
  path: string;
}

export interface CgroupMountOptions {
  cgroups: readonly OwnCgroup[];
  /** It has a cgroup namespace: a new mount shows its own cgroup as the root. */
  namespaced: boolean;
  /** It may be refused to mount one: it is in a user namespace. */
  mayBeRefused: boolean;
}

/** Where version 2 is mounted when nothing else is. */
const UNIFIED = '/sys/fs/cgroup';
const SAFE = ['nosuid', 'noexec', 'nodev'];

/** Returns what is to become read-only when all is in place. */
export function mountCgroups(
  b: PlanBuilder,
  tree: ContainerTree,
  path: string,
  entry: OciMount,
  from: string,
  options: MountOptions,
  o: CgroupMountOptions,
): Word | undefined {
  const onVersion1 = o.cgroups.filter(({ version }) => version === 1);
  if (onVersion1.length > 0) return version1(b, tree, path, from, options, onVersion1, o.namespaced);
  const place = tree.place(path, 'directory', { from });
  const mounted = b.word(path);
  const refused = o.mayBeRefused ? label('no new one') : undefined;
  const done = label('cgroups mounted');
  makeFilesystem(b, { type: 'cgroup2', source: entry.source, options, from }, mounted, { refused });
  changeTree(b, mounted, from, changesOf(options, undefined, true));
  tree.attach(mounted, place, `mount it at ${path}`, { from, jump: refused && done, jumpOn: refused && 'zero' });
  if (refused) {
    // Without a cgroup namespace of its own it may only see what the caller sees.
    b.place(refused);
    const own = o.namespaced ? o.cgroups.find(({ version }) => version === 2)?.path : undefined;
    bindInstead(b, own ?? UNIFIED, mounted, options, from);
    tree.attach(mounted, place, `and show it at ${path}`);
    b.place(done);
  }
  tree.hold(place.path, mounted, 'other');
  return undefined;
}

function version1(
  b: PlanBuilder,
  tree: ContainerTree,
  path: string,
  from: string,
  options: MountOptions,
  cgroups: readonly OwnCgroup[],
  namespaced: boolean,
): Word | undefined {
  const place = tree.place(path, 'directory', { from });
  const top = b.word(path);
  const forTop = readMountOptions([...SAFE, 'mode=755']);
  makeFilesystem(b, { type: 'tmpfs', source: 'tmpfs', options: forTop, from }, top);
  changeTree(b, top, from, changesOf({ ...options, tree: { set: [], clear: [] } }, undefined, true));
  tree.attach(top, place, `a directory of cgroups at ${path}`);
  const readOnly = options.own.set.includes('MOUNT_ATTR_RDONLY') ? ['ro'] : [];
  for (const { controllers, path: own } of cgroups) {
    const names = controllers.map((one) => one.replace(/^name=/, '')).sort();
    const directory = names.join(',');
    const mounted = b.word(directory);
    b.step('mkdirat', [top, b.str(directory), num(0o755, '0755')], `a place for ${directory}`);
    const each = readMountOptions([...SAFE, ...readOnly, ...controllers]);
    if (namespaced) makeFilesystem(b, { type: 'cgroup', source: 'cgroup', options: each, from }, mounted);
    else bindInstead(b, own, mounted, each, from);
    tree.attach(mounted, { at: top, name: directory }, `show its own ${directory} cgroup there`);
    if (names.length < 2) continue;
    for (const one of names) b.step('symlinkat', [b.str(directory), top, b.str(one)], `${one} is there too`);
  }
  tree.hold(place.path, top, 'other');
  return readOnly.length > 0 ? top : undefined;
}

/** Takes a tree of the host in place of a new mount. */
export function bindInstead(b: PlanBuilder, host: string, into: Word, options: MountOptions, from: string): void {
  const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_RECURSIVE');
  b.step('open_tree', [flags('AT_FDCWD'), b.str(host), how], `take ${host} instead`, {
    result: into,
    from,
    hint: `a new one is refused in this user namespace, and ${host} is out of reach`,
  });
  const change: MountChange = { set: options.own.set, propagation: 'MS_PRIVATE', recursive: true };
  changeMount(b, into, change, 'make all below it, too, what its options say', { from });
}

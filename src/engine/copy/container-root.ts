/** The root that a path of a container is looked up in. */
import { existsSync } from 'node:fs';
import { HeldRoot, type RootToHold } from '../../container/hold-root.js';
import { rootMountOf } from '../../storage/container-layer.js';
import type { RootMount } from '../../storage/root-mount.js';
import { sourceOf } from '../../storage/volumes.js';
import type { DefinedMount } from '../define/definition-parts.js';
import { containerDir } from '../record/container-files.js';
import { isRunning } from '../record/container-status.js';
import { type ContainerRecord, withContainer } from '../record/records.js';

export interface PathInRoot {
  root: HeldRoot;
  /** In that root. */
  path: string;
}

/** Of one that runs it is what its processes see; otherwise its layers, and a volume where the path lies in one. */
export async function holdRootFor(record: ContainerRecord, path: string): Promise<PathInRoot> {
  const { id, state, definition } = record;
  if (isRunning(state) && state.process) {
    return { root: await HeldRoot.open({ kind: 'process', pid: state.process.pid }), path };
  }
  const mount = mountAbove(definition.mounts, path);
  const source = mount && (await hostPathOf(mount));
  if (mount && source !== undefined && existsSync(source)) {
    const within = path.slice(mount.destination.length) || '/';
    return { root: await HeldRoot.open({ kind: 'directory', path: source }), path: within };
  }
  const what: RootToHold =
    definition.root.kind === 'directory'
      ? { kind: 'directory', path: definition.root.path }
      : { kind: 'layers', root: lasting(rootMountOf(containerDir(id))) };
  return { root: await HeldRoot.open(what), path };
}

/** A volatile mount marks the layer so that nobody mounts it again (overlayfs.rst, "Volatile mount"); its container is yet to do so. */
export function lasting(root: RootMount): RootMount {
  return root.kind === 'overlay' ? { ...root, volatile: false } : root;
}

/** The innermost of the volumes and binds that a path lies in. */
export function mountAbove(mounts: readonly DefinedMount[], path: string): DefinedMount | undefined {
  return mounts
    .filter(({ kind, destination }) => kind !== 'tmpfs' && isWithin(path, destination))
    .sort((a, b) => b.destination.length - a.destination.length)[0];
}

function isWithin(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

async function hostPathOf(mount: DefinedMount): Promise<string | undefined> {
  if (mount.kind === 'bind') return mount.source;
  return mount.kind === 'volume' ? sourceOf({ name: mount.name, subpath: mount.subpath }) : undefined;
}

/** Lets `work` use a container's files: one that does not run is not started meanwhile. */
export function whileSteady<T>(record: ContainerRecord, work: (record: ContainerRecord) => Promise<T>): Promise<T> {
  return isRunning(record.state) ? work(record) : withContainer(record.id, work);
}

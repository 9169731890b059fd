/**
 * Mounts of a container that criu must not make anew by itself, since they show something of the host: it is told of each at
 * a dump, and at a restore from where it comes then. All others are the container's own, and go into the image. Pure.
 */
import { resolve } from 'node:path';
import { VlabError } from '../../base/errors.js';
import type { Cgroup } from '../../container/cgroup/cgroup.js';
import type { OciConfig, OciMount } from '../../container/config/schema.js';
import { cleanPath } from '../../container/steps/container-tree.js';
import { nodesOf } from '../../container/steps/device-steps.js';
import { readMountOptions } from '../../container/steps/mount-options.js';
import type { MountEntry } from './mountinfo.js';

/** Where it comes from, in terms that hold on another machine too. */
export type ExternalMount = { at: string } & (
  | { /** The entry of config.mounts by its destination. */ bind: string; below: string }
  | { /** A path of the host. */ host: string }
  | { /** A hierarchy of version 1, of which it shows the container's own directory. */ cgroup: string }
  | { /** The root file system's own mounts. */ root: string }
);

export interface MountsSeen {
  /** The container's. */
  inside: readonly MountEntry[];
  /** The runtime's own. */
  outside: readonly MountEntry[];
  /** Destinations of config.mounts with the container's links followed. */
  resolved: ReadonlyMap<string, string>;
}

export function externalMounts(
  config: OciConfig,
  { bundle, rootfs }: { bundle: string; rootfs: string },
  { inside, outside, resolved }: MountsSeen,
): ExternalMount[] {
  const entries = new Map(config.mounts.map((entry) => [resolved.get(entry.destination) ?? entry.destination, entry]));
  const byId = new Map(inside.map((mount) => [mount.id, mount]));
  const onHost = new Map(outside.map((mount) => [mount.at, mount]));
  const external = new Map<number, ExternalMount>();
  const own: MountEntry[] = inside.filter(({ parent }) => !byId.has(parent));
  const nodes = new Set(nodesOf(config.linux.devices).map(({ path }) => path));
  const masked = new Set(config.linux.maskedPaths.map(cleanPath));
  const namespaced = config.linux.namespaces.some(({ type }) => type === 'cgroup');

  const classify = (mount: MountEntry): ExternalMount | undefined => {
    const { at, device, root, type } = mount;
    const entry = entries.get(at);
    if (entry && isBind(entry)) return { at, bind: entry.destination, below: '' };
    if (entry) return undefined;
    const above = byId.get(mount.parent);
    const rest = at.slice(above && above.at !== '/' ? above.at.length : 0);
    const from = above && external.get(above.id);
    const shows = (path: string) => onHost.get(path)?.device === device;
    if (from && 'bind' in from) {
      const source = entries.get(byBind(resolved, from.bind))?.source ?? '';
      if (shows(resolve(bundle, source) + from.below + rest)) return { at, bind: from.bind, below: from.below + rest };
    }
    if (own.some((one) => one.device === device && isWithin(root, one.root))) return undefined;
    if (type === 'cgroup' && !namespaced) return { at, cgroup: at.split('/').at(-1) ?? '' };
    if (nodes.has(at)) return { at, host: at };
    if (masked.has(at) && root.endsWith('/null')) return { at, host: '/dev/null' };
    if ((above?.at === '/' || (from && 'root' in from)) && shows(rootfs + at)) return { at, root: at };
    return undefined;
  };
  for (const mount of inside) {
    if (own.includes(mount)) continue;
    const found = classify(mount);
    if (found) external.set(mount.id, found);
    else own.push(mount);
  }
  return [...external.values()];
}

const byBind = (resolved: ReadonlyMap<string, string>, destination: string) => resolved.get(destination) ?? destination;

export function isBind(entry: OciMount): boolean {
  return entry.type === 'bind' || readMountOptions(entry.options).bind !== 'no';
}

function isWithin(path: string, above: string): boolean {
  return above === '/' || path === above || path.startsWith(`${above}/`);
}

/** What an image of another runtime needs, which tells nothing: all that could be external; criu passes over the rest. */
export function usualExternals(config: OciConfig, resolved: ReadonlyMap<string, string>): ExternalMount[] {
  return [
    ...config.mounts
      .filter(isBind)
      .map(({ destination }) => ({ at: byBind(resolved, destination), bind: destination, below: '' })),
    ...nodesOf(config.linux.devices).map(({ path }) => ({ at: path, host: path })),
    { at: '/dev/null', host: '/dev/null' },
  ];
}

/** Where it comes from now. Error (`input`): the configuration no longer has it. */
export function sourceOf(
  external: ExternalMount,
  config: OciConfig,
  { bundle, rootfs }: { bundle: string; rootfs: string },
  cgroup: Cgroup,
): string {
  if ('host' in external) return external.host;
  if ('root' in external) return rootfs + external.root;
  if ('cgroup' in external) {
    const names = external.cgroup.split(',');
    const found = cgroup.directories.find(({ controllers }) =>
      controllers.some((name) => names.includes(name.replace(/^name=/, ''))),
    );
    if (found) return found.path;
    throw new VlabError('host', `the checkpoint shows the cgroup hierarchy ${external.cgroup}, which is not here`);
  }
  const entry = config.mounts.findLast((one) => cleanPath(one.destination) === cleanPath(external.bind));
  if (entry?.source && isBind(entry)) return resolve(bundle, entry.source) + external.below;
  throw new VlabError(
    'input',
    `config.json: mounts has nothing to bind at ${external.bind}, where the checkpoint needs it`,
  );
}

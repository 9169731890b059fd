/**
 * What was asked for and what the image says, put together by docker's rules (moby's daemon/create.go, daemon/commit.go "merge",
 * runconfig's checks). Pure.
 */
import { posix } from 'node:path';
import type { ImageRunConfig } from '../../image/config.js';
import type { AskedContainer, AskedMount } from './asked-container.js';
import { refuse } from './asked-error.js';
import { checkResources, withSwap } from './check-resources.js';
import { type ContainerDefinition, DEFINITION_VERSION, type DefinedRoot, joinedContainer } from './definition.js';
import type { DefinedMount } from './definition-parts.js';
import { mergeHealth } from './merge-health.js';
import { settleNetwork } from './settle-network.js';

export interface DefineContext {
  id: string;
  name: string;
  /** RFC 3339. */
  createdAt: string;
  root: DefinedRoot;
  /** `config` of the image's configuration; absent without an image. */
  image?: ImageRunConfig | undefined;
  /** Another container by what people write. Error (`input`): there is none. */
  container(name: string): Pick<ContainerDefinition, 'id' | 'hostname' | 'domainname' | 'mounts' | 'namespaces'>;
  /** 64 hexadecimal digits, others each time: an anonymous volume's name. */
  freshId(): string;
  hostHostname: string;
  cpuCount: number;
  rootless: boolean;
}

export interface Defined {
  definition: ContainerDefinition;
  /** What of it has no effect, in sentences. */
  warnings: string[];
}

/** Errors (`input`, exit code 125): options that contradict each other, no command, values out of range. */
export function defineContainer(asked: AskedContainer, context: DefineContext): Defined {
  const { image = {} } = context;
  const { volumesFrom, namespaces, security, ...rest } = asked;
  const { entrypoint, command, args } = programOf(asked, image);
  const healthCheck = mergeHealth(asked.healthCheck, image.Healthcheck);
  const stopTimeoutS = asked.stopTimeoutS ?? image.StopTimeout;
  const { network, hostname, domainname, warnings } = settleNetwork(asked, context);
  const resources = withSwap(asked.resources);
  checkResources(resources, context.cpuCount);
  if (asked.autoRemove && asked.restart.name !== 'no') {
    throw refuse('conflicting options: cannot specify both --restart and --rm');
  }
  const definition: ContainerDefinition = {
    ...without(rest, ['entrypoint', 'healthCheck', 'stopTimeoutS', 'domainname']),
    version: DEFINITION_VERSION,
    ...{ id: context.id, name: context.name, createdAt: context.createdAt, root: context.root },
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(command === undefined ? {} : { command }),
    args,
    env: mergeEnv(asked.env, image.Env ?? []),
    user: asked.user ?? image.User ?? '',
    cwd: directoryOf(asked.cwd || image.WorkingDir || '/'),
    hostname,
    ...(domainname === undefined ? {} : { domainname }),
    labels: { ...image.Labels, ...asked.labels },
    stopSignal: asked.stopSignal ?? image.StopSignal ?? 'SIGTERM',
    ...(stopTimeoutS === undefined ? {} : { stopTimeoutS }),
    ...(healthCheck === undefined ? {} : { healthCheck }),
    mounts: mountsOf(asked, image, context),
    network,
    namespaces: {
      ...namespaces,
      user: context.rootless ? 'private' : namespaces.user,
      pid: sharedNamespace('pid', namespaces.pid, context) as ContainerDefinition['namespaces']['pid'],
      ipc: sharedNamespace('ipc', namespaces.ipc, context) as ContainerDefinition['namespaces']['ipc'],
      // As docker has it on both versions of cgroups: who has all rights sees the host's tree.
      cgroup: namespaces.cgroup,
    },
    security: { ...security, noNewPrivileges: security.noNewPrivileges ?? context.root.kind === 'directory' },
    resources,
  };
  return { definition, warnings };
}

/** An entrypoint that was asked for has nothing to do with the image's command. */
function programOf(asked: AskedContainer, image: ImageRunConfig) {
  const ownEntrypoint = asked.entrypoint !== undefined;
  const entrypoint = nonEmpty(ownEntrypoint ? asked.entrypoint : image.Entrypoint);
  const command = nonEmpty(asked.command.length > 0 || ownEntrypoint ? asked.command : image.Cmd);
  const args = [...(entrypoint ?? []), ...(command ?? [])];
  if (asked.system && args.length === 0) args.push('/sbin/init');
  if (args.length === 0) throw refuse('no command specified', 'the image has none: write one behind its name');
  return { entrypoint, command, args };
}

const nonEmpty = (words: readonly string[] | undefined) => (words && words.length > 0 ? [...words] : undefined);

/** Asked ones first, in their order, of each name the last; then those of the image that were not asked for. */
export function mergeEnv(asked: readonly string[], image: readonly string[]): string[] {
  const nameOf = (entry: string) => entry.split('=', 1)[0] ?? '';
  const merged = new Map<string, string>();
  for (const entry of asked) merged.set(nameOf(entry), entry);
  for (const entry of image) if (!merged.has(nameOf(entry))) merged.set(nameOf(entry), entry);
  return [...merged.values()].filter((entry) => entry.includes('='));
}

function directoryOf(path: string): string {
  if (!path.startsWith('/')) {
    throw refuse(`the working directory '${path}' is invalid, it needs to be an absolute path`);
  }
  return posix.normalize(path).replace(/(?<=.)\/+$/, '');
}

/** One mount for a place; what was asked for counts before another container's, and that before the image's. */
function mountsOf(asked: AskedContainer, image: ImageRunConfig, context: DefineContext): DefinedMount[] {
  const own = asked.mounts.map((mount) => named(mount, context));
  own.forEach((mount, index) => {
    if (own.findIndex(({ destination }) => destination === mount.destination) < index) {
      throw refuse(`Duplicate mount point: ${mount.destination}`);
    }
  });
  const taken = new Set(own.map(({ destination }) => destination));
  const add = (mounts: readonly DefinedMount[]) => {
    for (const mount of mounts) {
      if (taken.has(mount.destination)) continue;
      taken.add(mount.destination);
      own.push(mount);
    }
  };
  for (const { container, readonly } of asked.volumesFrom) {
    const shared = context.container(container).mounts.filter(({ kind }) => kind !== 'tmpfs');
    add(shared.map((mount) => ({ ...mount, origin: 'other' as const, readonly: readonly || mount.readonly })));
  }
  const volumes = Object.keys(image.Volumes ?? {}).filter((path) => path.startsWith('/'));
  add(volumes.toSorted().map((path) => imageVolume(posix.normalize(path), context)));
  return own;
}

function named(mount: AskedMount, context: DefineContext): DefinedMount {
  return mount.kind === 'volume' ? { ...mount, name: mount.name ?? context.freshId() } : mount;
}

function imageVolume(destination: string, context: DefineContext): DefinedMount {
  const name = context.freshId();
  const plain = { readonly: false, copyUp: true, driver: 'local', driverOptions: {}, labels: {} };
  return { kind: 'volume', origin: 'image', name, anonymous: true, destination, ...plain };
}

/** `container:NAME` with the full id in place of the name. */
function sharedNamespace(type: 'pid' | 'ipc', mode: string, context: DefineContext): string {
  const name = joinedContainer(mode);
  if (name === undefined) return mode;
  const other = context.container(name);
  if (type === 'ipc' && ['private', 'none'].includes(other.namespaces.ipc)) {
    throw refuse(`cannot join IPC of container ${name}: it is not shareable`, `create that one with --ipc shareable`);
  }
  return `container:${other.id}`;
}

function without<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Omit<T, K> {
  const left = { ...value };
  for (const key of keys) delete left[key];
  return left;
}

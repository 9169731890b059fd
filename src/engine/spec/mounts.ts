/** What is mounted in a container, in order: what every container has, then what was asked for, the outer before the inner. Pure. */
import { join } from 'node:path';
import { defaultMounts, initMount } from '../../container/config/default-config.js';
import type { OciConfig, OciMount } from '../../container/config/schema.js';
import { SYSTEM_MOUNTS } from '../../container/config/system-config.js';
import { type ContainerDefinition, joinedContainer } from '../define/definition.js';
import type { DefinedMount } from '../define/definition-parts.js';
import { type SpecFacts, volumeKey } from './facts.js';

const CGROUPS: OciMount = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['ro', 'nosuid', 'noexec', 'nodev'],
};

/** Written anew at each start, since addresses change: the container has them, not the image. */
const NAME_FILES = [
  ['/etc/resolv.conf', 'resolv.conf'],
  ['/etc/hostname', 'hostname'],
  ['/etc/hosts', 'hosts'],
] as const;

/** Stay writable where the root is read-only. */
const WRITABLE_ANYWAY = new Set(['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue']);

export function mountsFor(definition: ContainerDefinition, facts: SpecFacts): OciMount[] {
  const asked = definition.mounts.map((mount) => asOci(mount, facts));
  const places = new Set(asked.map(({ destination }) => destination));
  const own = [...everyContainers(definition, facts), ...(definition.system ? SYSTEM_MOUNTS : [])]
    .filter(({ destination }) => !places.has(destination) && !(places.has('/dev') && destination.startsWith('/dev/')))
    .map((mount) => (definition.readonlyRoot ? asReadonly(mount) : mount));
  const files = NAME_FILES.filter(([place]) => !places.has(place)).map(([destination, name]) =>
    bind(join(facts.nameFilesDirectory, name), destination, definition.readonlyRoot ? ['ro'] : []),
  );
  const inner = [...files, ...asked].toSorted((a, b) => depth(a) - depth(b));
  return [...own, ...inner, ...(definition.init ? initMount(facts.initPath) : [])];
}

const depth = ({ destination }: OciMount) => destination.split('/').filter(Boolean).length;

function everyContainers(definition: ContainerDefinition, facts: SpecFacts): OciMount[] {
  const { privileged } = definition.security;
  const mounts = defaultMounts(facts.rootless, definition.shmSizeBytes).flatMap((mount) => {
    if (mount.destination === '/dev/shm') return shm(mount, definition, facts);
    return [privileged && mount.destination === '/sys' ? writable(mount) : mount];
  });
  // An init mounts them itself; a directory's container is spared them, as docs/security.md says.
  if (definition.system || definition.root.kind === 'directory') return mounts;
  const at = mounts.findIndex(({ destination }) => destination === '/sys') + 1;
  return mounts.toSpliced(at, 0, privileged ? writable(CGROUPS) : CGROUPS);
}

function shm(own: OciMount, { namespaces: { ipc } }: ContainerDefinition, facts: SpecFacts): OciMount[] {
  const other = joinedContainer(ipc);
  const source =
    other !== undefined ? facts.joined.get(other)?.shmPath : ipc === 'host' ? '/dev/shm' : facts.sharedShmPath;
  if (ipc === 'none') return [];
  return [source === undefined ? own : bind(source, own.destination)];
}

function bind(source: string, destination: string, options: readonly string[] = []): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', ...options] };
}

function writable(mount: OciMount): OciMount {
  return { ...mount, options: mount.options.map((option) => (option === 'ro' ? 'rw' : option)) };
}

function asReadonly(mount: OciMount): OciMount {
  const stays = WRITABLE_ANYWAY.has(mount.destination) || mount.options.includes('ro');
  return stays || mount.type === 'tmpfs' ? mount : { ...mount, options: [...mount.options, 'ro'] };
}

function asOci(mount: DefinedMount, facts: SpecFacts): OciMount {
  const { destination, readonly } = mount;
  const mode = readonly ? ['ro'] : ['rw'];
  switch (mount.kind) {
    case 'bind': {
      const width = mount.recursive ? 'rbind' : 'bind';
      const tree = readonly && mount.recursive && mount.readonlyRecursive ? ['rro'] : [];
      return { destination, type: 'bind', source: mount.source, options: [width, mount.propagation, ...mode, ...tree] };
    }
    case 'volume': {
      const path = facts.volumePaths.get(volumeKey(mount));
      if (path === undefined) throw new RangeError(`where the volume ${mount.name} lies is not among the facts`);
      return { ...bind(path, destination, mode) };
    }
    case 'tmpfs': {
      const options = ['noexec', 'nosuid', 'nodev', 'rprivate', ...mode, ...mount.options];
      return { destination, type: 'tmpfs', source: 'tmpfs', options };
    }
  }
}

/** A mount that others see, or that follows the host, needs a root that lets it. */
export function rootPropagation({ mounts }: ContainerDefinition): NonNullable<OciConfig['linux']['rootfsPropagation']> {
  const asked = mounts.flatMap((mount) => (mount.kind === 'bind' ? [mount.propagation] : []));
  if (asked.some((one) => one.endsWith('shared'))) return 'shared';
  return asked.some((one) => one.endsWith('slave')) ? 'rslave' : 'rprivate';
}

/** Whether a container gets its cgroup for its own (config-linux.md, "Cgroup ownership"). A value. */
import type { OciConfig, OciIdMapping } from '../config/schema.js';
import type { Look } from './look.js';

export interface Owner {
  /** On the host. */
  uid: number;
  /** Files of the directory that become its too; not every cgroup has all. */
  files: string[];
}

/**
 * The host's id of the user that the program runs as, when the container has a new cgroup namespace and shall see its cgroup
 * writable. Undefined when nothing is handed over, or it is the superuser's anyway. For version 2 only: in version 1 it
 * would not be secure.
 */
export function cgroupOwner({ process, mounts, linux }: OciConfig, look: Look): Owner | undefined {
  const isNew = linux.namespaces.some(({ type, path }) => type === 'cgroup' && path === undefined);
  const writable = mounts.some(
    ({ source, destination, options }) =>
      source === 'cgroup' && destination === '/sys/fs/cgroup' && !options.includes('ro'),
  );
  const uid = isNew && writable ? hostId(process.user.uid, linux.uidMappings) : 0;
  if (!uid) return undefined;
  const listed = look.read('/sys/kernel/cgroup/delegate')?.split('\n').filter(Boolean);
  return { uid, files: listed ?? ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'] };
}

/** Undefined: it is not mapped. */
function hostId(id: number, mappings: readonly OciIdMapping[] = []): number | undefined {
  if (mappings.length === 0) return id;
  const mapping = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return mapping && mapping.hostID + id - mapping.containerID;
}

/**
 * A container's cgroup as a value: plain JSON that the plan makes true, that the state file keeps, and that all verbs of a
 * running container start from (update, pause, ps, events, delete). cgroups(7).
 */

/** One directory of it, in one hierarchy. */
export interface CgroupDirectory {
  version: 1 | 2;
  /** Version 1: those of its hierarchy (`cpu`, `name=systemd`). Version 2: those that are handed down to it. */
  controllers: string[];
  path: string;
}

/** Where a process joins it. */
export type JoinedCgroup = Pick<CgroupDirectory, 'version' | 'path'>;

/**
 * The file of version 1 by which a process of one thread joins by itself, writing 0. Through cgroup.procs the kernel first stops all
 * of the machine from making and ending threads, for which it waits until every processor has been through the scheduler:
 * milliseconds, unless somebody else has just done so. Through this one it need not (Linux 5.5; cgroup_procs_write_start of
 * kernel/cgroup/cgroup.c).
 */
export const OWN_THREAD = 'tasks';

export interface Cgroup {
  /** One a hierarchy. Empty where none can be made and no limit asks for one. */
  directories: CgroupDirectory[];
  /** What was not there before it, parents too, deepest first. Removed after it, each only when it is empty. */
  made: string[];
  /** The unit of systemd that the directories belong to, where systemd made them. */
  unit?: SystemdUnit;
}

/** A transient scope (systemd.scope(5)). */
export interface SystemdUnit {
  /** `libpod-0123.scope` */
  name: string;
  /** The slice that it is in: `machine.slice`. */
  slice: string;
  /** Which manager's: the machine's, or the calling user's. */
  bus: 'system' | 'user';
}

/** Where a controller acts on the container, or undefined when nothing here has it. */
export function directoryOf(cgroup: Cgroup, controller: string): CgroupDirectory | undefined {
  return cgroup.directories.find(({ controllers }) => controllers.includes(controller));
}

/** Its directory in the version 2 hierarchy, which may have no controllers there. */
export function unifiedOf(cgroup: Cgroup): CgroupDirectory | undefined {
  return cgroup.directories.find(({ version }) => version === 2);
}

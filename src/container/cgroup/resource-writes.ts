/**
 * What linux.resources asks of which control file of which directory (config-linux.md, "Control groups"). Pure. Where a
 * controller is one of version 2, what is said in terms of version 1 is converted.
 */
import { configError } from '../config/parse-config.js';
import type { OciResources } from '../config/schema.js';
import { type Cgroup, type CgroupDirectory, directoryOf, unifiedOf } from './cgroup.js';
import { type ResourceWrite, resourcePath } from './resource-write.js';
import * as v1 from './resources-v1.js';
import * as v2 from './resources-v2.js';

export interface PlacedWrite extends ResourceWrite {
  directory: CgroupDirectory;
}

type Writes = (resources: OciResources) => ResourceWrite[];

interface Group {
  /** The controller's name in version 1, and in version 2 where it is another. */
  names: readonly string[];
  v1: Writes;
  /** Absent: only version 1 has the controller. */
  v2?: Writes;
}

const GROUPS: readonly Group[] = [
  { names: ['memory'], v1: v1.memoryV1, v2: v2.memoryV2 },
  { names: ['cpu'], v1: v1.cpuV1, v2: v2.cpuV2 },
  { names: ['cpuset'], v1: v1.cpuset, v2: v1.cpuset },
  { names: ['pids'], v1: v1.pids, v2: v1.pids },
  { names: ['blkio', 'io'], v1: v1.blkioV1, v2: v2.ioV2 },
  { names: ['hugetlb'], v1: v1.hugetlbV1, v2: v2.hugetlbV2 },
  { names: ['rdma'], v1: v1.rdma, v2: v1.rdma },
  { names: ['net_cls'], v1: v1.netClass },
  { names: ['net_prio'], v1: v1.netPriorities },
];

/** Errors: `host` with the JSON path when no controller here can do it; `input` when it contradicts itself. */
export function resourceWrites(resources: OciResources, cgroup: Cgroup): PlacedWrite[] {
  const writes = GROUPS.flatMap(({ names, v1: before, v2: now }) => {
    const directory = names.map((name) => directoryOf(cgroup, name)).find((found) => found !== undefined);
    const group = (directory?.version === 2 && now ? now : before)(resources);
    if (!directory) return group.filter(isNeeded).map((one) => lacks(one.from, names));
    return group.map((one) => ({ ...one, directory }));
  });
  return [...writes, ...unifiedWrites(resources.unified, cgroup)];
}

/** The controllers that the limits need, by the names of both versions, each with what asks for it. */
export function controllersAskedFor(resources: OciResources): Map<string, string> {
  const asked = new Map<string, string>();
  for (const { names, v1: before } of GROUPS) {
    const [first] = before(resources).filter(isNeeded);
    if (first) for (const name of names) asked.set(name, first.from);
  }
  for (const file of Object.keys(resources.unified ?? {})) asked.set(controllerOf(file), unifiedPath(file));
  return asked;
}

const isNeeded = ({ optional, initial }: ResourceWrite) => !optional && !initial;

function lacks(from: string, names: readonly string[]): never {
  throw configError(from, `needs the ${names.join(' or ')} controller, which no cgroup here can have`, {
    blame: 'host',
    hint: 'run it as root, or on a host that mounts this controller and delegates it; `vlab doctor` shows what is there',
  });
}

const unifiedPath = (file: string) => `${resourcePath('unified')}[${JSON.stringify(file)}]`;
const controllerOf = (file: string) => file.slice(0, Math.max(0, file.indexOf('.')));

/** linux.resources.unified: files of version 2 by name. A value of several lines is several writes, as io.max wants it. */
function unifiedWrites(unified: Readonly<Record<string, string>> = {}, cgroup: Cgroup): PlacedWrite[] {
  return Object.entries(unified).flatMap(([file, text]) => {
    const from = unifiedPath(file);
    if (!/^[^/.]+\.[^/]+$/.test(file)) throw configError(from, 'is no file name of the form controller.parameter');
    const directory = unifiedOf(cgroup);
    if (!directory) throw configError(from, 'needs version 2 of cgroups, which is not used here', { blame: 'host' });
    const controller = controllerOf(file);
    if (controller !== 'cgroup' && !directory.controllers.includes(controller)) lacks(from, [controller]);
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return (lines.length > 0 ? lines : ['\n']).map((value) => ({ files: [{ file, value }], from, directory }));
  });
}

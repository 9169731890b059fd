/** Limits that engines give by flags, and where a container finds them in its cgroup of either version. */
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';

export const onVersion1 = readCgroupLayout().layout !== 'v2';

/** podman and docker have the same flags. Each with its file and what it says there, on version 1 and on version 2. */
const GIVEN = [
  ['--memory=64m', 'memory/memory.limit_in_bytes', '67108864', 'memory.max', '67108864'],
  ['--memory-reservation=32m', 'memory/memory.soft_limit_in_bytes', '33554432', 'memory.low', '33554432'],
  ['--cpus=0.5', 'cpu/cpu.cfs_quota_us', '50000', 'cpu.max', '50000 100000'],
  ['--cpu-shares=512', 'cpu/cpu.shares', '512', 'cpu.weight', '59'], // by docs/cgroups.md
  ['--pids-limit=20', 'pids/pids.max', '20', 'pids.max', '20'],
] as const;

/** To other ones, while it runs. */
const CHANGED = [
  ['--memory=32m', 'memory/memory.limit_in_bytes', '33554432', 'memory.max', '33554432'],
  ['--cpus=0.25', 'cpu/cpu.cfs_quota_us', '25000', 'cpu.max', '25000 100000'],
] as const;

export const MEMORY_LIMIT_FILE = pathOf(GIVEN[0]);
export const given = limits(GIVEN);
export const changed = limits(CHANGED);

type Limit = (typeof GIVEN)[number] | (typeof CHANGED)[number];

function pathOf([, version1, , version2]: Limit): string {
  return `/sys/fs/cgroup/${onVersion1 ? version1 : version2}`;
}

function limits(all: readonly Limit[]) {
  return {
    flags: all.map(([flag]) => flag),
    reads: ['cat', ...all.map(pathOf)],
    says: all.map(([, , version1, , version2]) => (onVersion1 ? version1 : version2)).join('\n'),
  };
}

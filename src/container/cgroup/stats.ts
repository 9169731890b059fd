/** What a container uses, as of now (`events --stats`). */
import { type Cgroup, type CgroupDirectory, directoryOf, unifiedOf } from './cgroup.js';
import type { ContainerStats, CpuStats } from './stats-shape.js';
import { blkioV1, cpusetStats, hugetlbV1, memoryV1, throttlingV1, usageV1 } from './stats-v1.js';
import { cpusetV2, cpuV2, hugetlbV2, ioV2, memoryV2, pressure } from './stats-v2.js';
import { MAX, NOTHING, numberIn } from './stats-values.js';

/** Each controller is read where it is; pressure is measured by version 2 only, beside it on hybrid machines too. */
export function readStats(cgroup: Cgroup): ContainerStats {
  const unified = unifiedOf(cgroup);
  const of = <T>(
    controllers: readonly string[],
    none: T,
    v1: (directory: CgroupDirectory) => T,
    v2: (directory: CgroupDirectory) => T,
  ): T => {
    const directory = controllers.map((name) => directoryOf(cgroup, name)).find((found) => found !== undefined);
    return directory ? (directory.version === 1 ? v1 : v2)(directory) : none;
  };
  const noMemory = { cache: 0n, usage: NOTHING, swap: NOTHING, kernel: NOTHING, kernelTCP: NOTHING, raw: {} };
  return {
    cpu: { ...cpuOf(cgroup), ...pressure(unified, 'cpu.pressure') },
    cpuset: { ...NO_CPUSET, ...of(['cpuset'], {}, cpusetStats, cpusetV2) },
    memory: { ...of(['memory'], noMemory, memoryV1, memoryV2), ...pressure(unified, 'memory.pressure') },
    pids: of(['pids'], { current: 0n, limit: 0n }, pidsOf, pidsOf),
    blkio: { ...of(['blkio', 'io'], {}, blkioV1, ioV2), ...pressure(unified, 'io.pressure') },
    hugetlb: of(['hugetlb'], {}, hugetlbV1, hugetlbV2),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** Version 2 accounts without a controller. */
function cpuOf(cgroup: Cgroup): CpuStats {
  const [cpu, cpuacct, unified] = [directoryOf(cgroup, 'cpu'), directoryOf(cgroup, 'cpuacct'), unifiedOf(cgroup)];
  const none = { periods: 0n, throttledPeriods: 0n, throttledTime: 0n };
  const now = unified ? cpuV2(unified) : { usage: { total: 0n, kernel: 0n, user: 0n }, throttling: none };
  return {
    usage: cpuacct?.version === 1 ? usageV1(cpuacct) : now.usage,
    throttling: cpu?.version === 1 ? throttlingV1(cpu) : now.throttling,
  };
}

/** No limit is 0 in runc's shape. */
function pidsOf(directory: CgroupDirectory): ContainerStats['pids'] {
  const limit = numberIn(directory, 'pids.max');
  return { current: numberIn(directory, 'pids.current'), limit: limit === MAX ? 0n : limit };
}

const NO_CPUSET = {
  cpu_exclusive: 0n,
  mem_hardwall: 0n,
  mem_exclusive: 0n,
  memory_migrate: 0n,
  memory_spread_page: 0n,
  memory_spread_slab: 0n,
  memory_pressure: 0n,
  sched_load_balance: 0n,
  sched_relax_domain_level: 0n,
};

/**
 * linux.resources → control files of version 1 (config-linux.md, "Control groups"; kernel Documentation/admin-guide/cgroup-v1).
 * Pure. The order within a list is the one that a new cgroup takes them in.
 */
import { configError } from '../config/parse-config.js';
import type { OciResources } from '../config/schema.js';
import { isSet, type ResourceWrite, resourcePath, write } from './resource-write.js';

/** Go writes an unset unsigned number as its greatest value in places. */
const UNSET_FROM = 2 ** 63;

/**
 * `kernel` is ignored: kernels since 5.16 take any value without effect, and runc ignores it. `useHierarchy` is what every
 * cgroup has since 5.11.
 */
export function memoryV1({ memory }: OciResources): ResourceWrite[] {
  if (!memory) return [];
  const { limit, swap, reservation, kernelTCP, swappiness, disableOOMKiller } = memory;
  const writes: ResourceWrite[] = [];
  checkSwap(limit, swap);
  // Unlimited memory with a limit of memory and swap together would be none.
  if (limit === -1 && !isSet(swap)) {
    writes.push(write(['memory', 'limit'], 'memory.memsw.limit_in_bytes', -1, { optional: true, initial: true }));
  }
  if (isSet(limit)) writes.push(write(['memory', 'limit'], 'memory.limit_in_bytes', limit, { initial: limit === -1 }));
  if (isSet(swap))
    writes.push(write(['memory', 'swap'], 'memory.memsw.limit_in_bytes', swap, { initial: swap === -1 }));
  if (isSet(reservation)) writes.push(write(['memory', 'reservation'], 'memory.soft_limit_in_bytes', reservation));
  if (isSet(kernelTCP)) writes.push(write(['memory', 'kernelTCP'], 'memory.kmem.tcp.limit_in_bytes', kernelTCP));
  if (swappiness !== undefined && swappiness < UNSET_FROM) {
    if (swappiness > 100) throw configError(resourcePath('memory', 'swappiness'), 'is more than 100');
    writes.push(write(['memory', 'swappiness'], 'memory.swappiness', swappiness));
  }
  if (disableOOMKiller !== undefined) {
    const value = disableOOMKiller ? 1 : 0;
    writes.push(write(['memory', 'disableOOMKiller'], 'memory.oom_control', value, { initial: !disableOOMKiller }));
  }
  return writes;
}

/** `swap` limits both together, so it cannot be the smaller one. */
export function checkSwap(limit: number | undefined, swap: number | undefined): void {
  if (isSet(limit) && isSet(swap) && swap !== -1 && limit !== -1 && swap < limit) {
    throw configError(resourcePath('memory', 'swap'), 'limits memory and swap together, but is less than memory.limit');
  }
}

export function cpuV1({ cpu }: OciResources): ResourceWrite[] {
  if (!cpu) return [];
  const { shares, quota, burst, period, realtimeRuntime, realtimePeriod, idle } = cpu;
  const writes: ResourceWrite[] = [];
  const add = (key: string, file: string, value: number, initial = false) =>
    writes.push(write(['cpu', key], file, value, { initial }));
  if (isSet(realtimePeriod)) add('realtimePeriod', 'cpu.rt_period_us', realtimePeriod);
  if (isSet(realtimeRuntime)) add('realtimeRuntime', 'cpu.rt_runtime_us', realtimeRuntime);
  if (isSet(shares)) add('shares', 'cpu.shares', shares);
  if (isSet(period)) add('period', 'cpu.cfs_period_us', period);
  if (isSet(quota)) add('quota', 'cpu.cfs_quota_us', quota, quota < 0);
  if (burst !== undefined) add('burst', 'cpu.cfs_burst_us', burst, burst === 0);
  // An idle cgroup takes no shares.
  if (idle !== undefined) add('idle', 'cpu.idle', idle, idle === 0);
  return writes;
}

/** Both versions have these two files. */
export function cpuset({ cpu }: OciResources): ResourceWrite[] {
  const writes: ResourceWrite[] = [];
  if (cpu?.cpus) writes.push(write(['cpu', 'cpus'], 'cpuset.cpus', cpu.cpus));
  if (cpu?.mems) writes.push(write(['cpu', 'mems'], 'cpuset.mems', cpu.mems));
  return writes;
}

/** Both versions have this file. Nothing and less is no limit, as docker and podman mean it. */
export function pids({ pids: asked }: OciResources): ResourceWrite[] {
  if (asked?.limit === undefined) return [];
  const unlimited = asked.limit <= 0;
  return [write(['pids', 'limit'], 'pids.max', unlimited ? 'max' : asked.limit, { initial: unlimited })];
}

/** `blkio.weight` went with the CFQ scheduler in kernel 5.0; BFQ has the other. */
export function blkioV1({ blockIO }: OciResources): ResourceWrite[] {
  if (!blockIO) return [];
  const writes: ResourceWrite[] = [];
  const either = (keys: (string | number)[], name: string, value: string) =>
    writes.push({
      files: [
        { file: `blkio.${name}`, value },
        { file: `blkio.bfq.${name}`, value },
      ],
      from: resourcePath('blockIO', ...keys),
    });
  if (isSet(blockIO.weight)) either(['weight'], 'weight', String(blockIO.weight));
  if (isSet(blockIO.leafWeight)) writes.push(write(['blockIO', 'leafWeight'], 'blkio.leaf_weight', blockIO.leafWeight));
  blockIO.weightDevice?.forEach(({ major, minor, weight, leafWeight }, index) => {
    if (isSet(weight)) either(['weightDevice', index], 'weight_device', `${major}:${minor} ${weight}`);
    if (isSet(leafWeight)) {
      const value = `${major}:${minor} ${leafWeight}`;
      writes.push(write(['blockIO', 'weightDevice', index], 'blkio.leaf_weight_device', value));
    }
  });
  for (const [key, file] of THROTTLES) {
    blockIO[key]?.forEach(({ major, minor, rate }, index) => {
      const initial = rate === 0; // no limit
      writes.push(write(['blockIO', key, index], `blkio.throttle.${file}`, `${major}:${minor} ${rate}`, { initial }));
    });
  }
  return writes;
}

const THROTTLES = [
  ['throttleReadBpsDevice', 'read_bps_device'],
  ['throttleWriteBpsDevice', 'write_bps_device'],
  ['throttleReadIOPSDevice', 'read_iops_device'],
  ['throttleWriteIOPSDevice', 'write_iops_device'],
] as const;

export function hugetlbV1(resources: OciResources): ResourceWrite[] {
  return hugetlb(resources, 'limit_in_bytes');
}

/** Reservations are limited too, where the kernel counts them (since 5.7). */
export function hugetlb({ hugepageLimits = [] }: OciResources, file: 'limit_in_bytes' | 'max'): ResourceWrite[] {
  return hugepageLimits.flatMap(({ pageSize, limit }, index) => [
    write(['hugepageLimits', index], `hugetlb.${pageSize}.${file}`, limit),
    write(['hugepageLimits', index], `hugetlb.${pageSize}.rsvd.${file}`, limit, { optional: true }),
  ]);
}

/** Both versions have this file. */
export function rdma({ rdma: devices = {} }: OciResources): ResourceWrite[] {
  return Object.entries(devices).map(([name, { hcaHandles, hcaObjects }]) => {
    const parts = [name];
    if (hcaHandles !== undefined) parts.push(`hca_handle=${hcaHandles}`);
    if (hcaObjects !== undefined) parts.push(`hca_object=${hcaObjects}`);
    return write(['rdma', name], 'rdma.max', parts.join(' '));
  });
}

export function netClass({ network }: OciResources): ResourceWrite[] {
  return isSet(network?.classID) ? [write(['network', 'classID'], 'net_cls.classid', network.classID)] : [];
}

export function netPriorities({ network }: OciResources): ResourceWrite[] {
  return (network?.priorities ?? []).map(({ name, priority }, index) =>
    write(['network', 'priorities', index], 'net_prio.ifpriomap', `${name} ${priority}`),
  );
}

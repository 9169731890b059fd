/** Statistics of version 1 controllers (kernel Documentation/admin-guide/cgroup-v1). */
import { readdirSync } from 'node:fs';
import type { CgroupDirectory } from './cgroup.js';
import { keyed, readControl } from './control-file.js';
import type {
  BlkioEntry,
  BlkioStats,
  CpuStats,
  CpusetStats,
  HugetlbStats,
  MemoryEntry,
  MemoryStats,
} from './stats-shape.js';
import { numberIn, numberList } from './stats-values.js';

type Usage = CpuStats['usage'];

/** cpuacct.stat counts in USER_HZ, which is 100 on every architecture that vlab runs on. */
const NS_PER_TICK = 10_000_000n;

export function usageV1(cpuacct: CgroupDirectory): Usage {
  const ticks = keyed(readControl(cpuacct, 'cpuacct.stat') ?? '');
  const perCpu = (readControl(cpuacct, 'cpuacct.usage_all') ?? '').split('\n').slice(1);
  const columns = perCpu.map((line) => line.split(' ').map(BigInt));
  return {
    total: numberIn(cpuacct, 'cpuacct.usage'),
    percpu: (readControl(cpuacct, 'cpuacct.usage_percpu') ?? '').split(' ').filter(Boolean).map(BigInt),
    percpu_kernel: columns.map(([, , system = 0n]) => system),
    percpu_user: columns.map(([, user = 0n]) => user),
    kernel: (ticks.get('system') ?? 0n) * NS_PER_TICK,
    user: (ticks.get('user') ?? 0n) * NS_PER_TICK,
  };
}

export function throttlingV1(cpu: CgroupDirectory): CpuStats['throttling'] {
  const stat = keyed(readControl(cpu, 'cpu.stat') ?? '');
  const [periods, throttledPeriods] = [stat.get('nr_periods') ?? 0n, stat.get('nr_throttled') ?? 0n];
  return { periods, throttledPeriods, throttledTime: stat.get('throttled_time') ?? 0n };
}

export function cpusetStats(cpuset: CgroupDirectory): CpusetStats {
  const value = (name: string) => numberIn(cpuset, `cpuset.${name}`);
  return {
    cpus: numberList(readControl(cpuset, 'cpuset.cpus') ?? ''),
    mems: numberList(readControl(cpuset, 'cpuset.mems') ?? ''),
    cpu_exclusive: value('cpu_exclusive'),
    mem_hardwall: value('mem_hardwall'),
    mem_exclusive: value('mem_exclusive'),
    memory_migrate: value('memory_migrate'),
    memory_spread_page: value('memory_spread_page'),
    memory_spread_slab: value('memory_spread_slab'),
    memory_pressure: value('memory_pressure'),
    sched_load_balance: value('sched_load_balance'),
    sched_relax_domain_level: value('sched_relax_domain_level'),
  };
}

export function memoryV1(memory: CgroupDirectory): MemoryStats {
  const raw = keyed(readControl(memory, 'memory.stat') ?? '');
  const entry = (name: string): MemoryEntry => ({
    limit: numberIn(memory, `${name}.limit_in_bytes`),
    usage: numberIn(memory, `${name}.usage_in_bytes`),
    max: numberIn(memory, `${name}.max_usage_in_bytes`),
    failcnt: numberIn(memory, `${name}.failcnt`),
  });
  return {
    cache: raw.get('cache') ?? 0n,
    usage: entry('memory'),
    swap: entry('memory.memsw'),
    kernel: entry('memory.kmem'),
    kernelTCP: entry('memory.kmem.tcp'),
    raw: Object.fromEntries(raw),
  };
}

/** BFQ counts where it schedules; without it, throttling does. */
export function blkioV1(blkio: CgroupDirectory): BlkioStats {
  const read = (name: string) => entriesOf(readControl(blkio, `blkio.${name}`) ?? '');
  const first = (...names: string[]) => names.map(read).find((entries) => entries.length > 0) ?? [];
  const stats = {
    ioServiceBytesRecursive: first('bfq.io_service_bytes_recursive', 'throttle.io_service_bytes_recursive'),
    ioServicedRecursive: first('bfq.io_serviced_recursive', 'throttle.io_serviced_recursive'),
    ioQueueRecursive: read('bfq.io_queued_recursive'),
    ioServiceTimeRecursive: read('bfq.io_service_time_recursive'),
    ioWaitTimeRecursive: read('bfq.io_wait_time_recursive'),
    ioMergedRecursive: read('bfq.io_merged_recursive'),
    ioTimeRecursive: read('bfq.time_recursive'),
    sectorsRecursive: read('bfq.sectors_recursive'),
  };
  return Object.fromEntries(Object.entries(stats).filter(([, entries]) => entries.length > 0));
}

/** `8:0 Read 4096` or `8:0 4096`; the last line is a sum. */
function entriesOf(text: string): BlkioEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, op, value] = /^(\d+):(\d+)(?: (\w+))? (\d+)$/.exec(line) ?? [];
    if (value === undefined) return [];
    return [{ major: Number(major), minor: Number(minor), ...(op ? { op } : {}), value: BigInt(value) }];
  });
}

export function hugetlbV1(hugetlb: CgroupDirectory): Record<string, HugetlbStats> {
  const sizes = readdirSync(hugetlb.path).flatMap((file) => /^hugetlb\.([^.]+)\.limit_in_bytes$/.exec(file)?.[1] ?? []);
  return Object.fromEntries(
    sizes.map((size) => {
      const value = (name: string) => numberIn(hugetlb, `hugetlb.${size}.rsvd.${name}`, `hugetlb.${size}.${name}`);
      return [size, { usage: value('usage_in_bytes'), max: value('max_usage_in_bytes'), failcnt: value('failcnt') }];
    }),
  );
}

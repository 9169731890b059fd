/**
 * The shape of `runc events --stats`, which shims and engines parse. Sizes in bytes, times in ns; bigint, because the kernel
 * counts up to 2^64. What no cgroup here counts is 0 or absent, as runc has it.
 */
export interface Pressure {
  some: PressureLine;
  full: PressureLine;
}

export interface PressureLine {
  /** Percent of the last 10, 60 and 300 s in which some or all processes waited. */
  avg10: number;
  avg60: number;
  avg300: number;
  /** In all, µs. */
  total: bigint;
}

export interface CpuStats {
  usage: {
    total: bigint;
    /** One for each processor; version 1 only. */
    percpu?: bigint[];
    percpu_kernel?: bigint[];
    percpu_user?: bigint[];
    kernel: bigint;
    user: bigint;
  };
  throttling: { periods: bigint; throttledPeriods: bigint; throttledTime: bigint };
  psi?: Pressure;
}

export interface MemoryEntry {
  limit: bigint;
  usage: bigint;
  /** The most that it ever was. */
  max: bigint;
  /** How often the limit was met. */
  failcnt: bigint;
}

export interface MemoryStats {
  cache: bigint;
  usage: MemoryEntry;
  /** Memory and swap together, in version 2 too. */
  swap: MemoryEntry;
  kernel: MemoryEntry;
  kernelTCP: MemoryEntry;
  /** memory.stat */
  raw: Record<string, bigint>;
  psi?: Pressure;
}

export interface CpusetStats {
  cpus?: number[];
  mems?: number[];
  cpu_exclusive: bigint;
  mem_hardwall: bigint;
  mem_exclusive: bigint;
  memory_migrate: bigint;
  memory_spread_page: bigint;
  memory_spread_slab: bigint;
  memory_pressure: bigint;
  sched_load_balance: bigint;
  sched_relax_domain_level: bigint;
}

export interface BlkioEntry {
  major: number;
  minor: number;
  op?: string;
  value: bigint;
}

export interface BlkioStats {
  ioServiceBytesRecursive?: BlkioEntry[];
  ioServicedRecursive?: BlkioEntry[];
  ioQueueRecursive?: BlkioEntry[];
  ioServiceTimeRecursive?: BlkioEntry[];
  ioWaitTimeRecursive?: BlkioEntry[];
  ioMergedRecursive?: BlkioEntry[];
  ioTimeRecursive?: BlkioEntry[];
  sectorsRecursive?: BlkioEntry[];
  psi?: Pressure;
}

export interface HugetlbStats {
  usage: bigint;
  max: bigint;
  failcnt: bigint;
}

export interface ContainerStats {
  cpu: CpuStats;
  cpuset: CpusetStats;
  memory: MemoryStats;
  pids: { current: bigint; limit: bigint };
  blkio: BlkioStats;
  /** By page size: `2MB`. */
  hugetlb: Record<string, HugetlbStats>;
  intel_rdt: Record<string, never>;
  network_interfaces: null;
}

export type ContainerEvent = { type: 'oom'; id: string } | { type: 'stats'; id: string; data: ContainerStats };

/** One line of JSON, with numbers in all their digits: JSON.stringify knows no bigint. */
export function eventText(event: ContainerEvent): string {
  return JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'bigint' ? `${DIGITS}${value}` : value,
  ).replace(new RegExp(`"${DIGITS}(-?\\d+)"`, 'g'), '$1');
}

/** Marks a text of digits that is to lose its quotes. No file name or statistic of the kernel begins so. */
const DIGITS = '#digits:';

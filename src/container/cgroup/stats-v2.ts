/** Statistics of version 2 (kernel Documentation/admin-guide/cgroup-v2.rst), in the terms of version 1. */
import { readdirSync } from 'node:fs';
import type { CgroupDirectory } from './cgroup.js';
import { keyed, readControl } from './control-file.js';
import type {
  BlkioStats,
  CpuStats,
  CpusetStats,
  HugetlbStats,
  MemoryStats,
  Pressure,
  PressureLine,
} from './stats-shape.js';
import { MAX, NOTHING, numberIn, numberList } from './stats-values.js';

const NS_PER_US = 1000n;

export function cpuV2(directory: CgroupDirectory): Pick<CpuStats, 'usage' | 'throttling'> {
  const stat = keyed(readControl(directory, 'cpu.stat') ?? '');
  const ns = (name: string) => (stat.get(name) ?? 0n) * NS_PER_US;
  return {
    usage: { total: ns('usage_usec'), kernel: ns('system_usec'), user: ns('user_usec') },
    throttling: {
      periods: stat.get('nr_periods') ?? 0n,
      throttledPeriods: stat.get('nr_throttled') ?? 0n,
      throttledTime: ns('throttled_usec'),
    },
  };
}

export function cpusetV2(directory: CgroupDirectory): Partial<CpusetStats> {
  return {
    cpus: numberList(readControl(directory, 'cpuset.cpus') ?? ''),
    mems: numberList(readControl(directory, 'cpuset.mems') ?? ''),
  };
}

export function memoryV2(directory: CgroupDirectory): MemoryStats {
  const raw = keyed(readControl(directory, 'memory.stat') ?? '');
  const usage = {
    limit: numberIn(directory, 'memory.max'),
    usage: numberIn(directory, 'memory.current'),
    max: numberIn(directory, 'memory.peak'),
    failcnt: keyed(readControl(directory, 'memory.events') ?? '').get('max') ?? 0n,
  };
  const swapLimit = numberIn(directory, 'memory.swap.max');
  const unlimited = swapLimit === MAX || usage.limit === MAX;
  return {
    cache: raw.get('file') ?? 0n,
    usage,
    swap: {
      limit: unlimited ? MAX : usage.limit + swapLimit,
      usage: usage.usage + numberIn(directory, 'memory.swap.current'),
      max: usage.max + numberIn(directory, 'memory.swap.peak'),
      failcnt: keyed(readControl(directory, 'memory.swap.events') ?? '').get('max') ?? 0n,
    },
    kernel: { ...NOTHING, usage: raw.get('kernel') ?? 0n },
    kernelTCP: { ...NOTHING, usage: raw.get('sock') ?? 0n },
    raw: Object.fromEntries(raw),
  };
}

const OPERATIONS = [
  ['r', 'Read'],
  ['w', 'Write'],
  ['d', 'Discard'],
] as const;

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6` */
export function ioV2(directory: CgroupDirectory): BlkioStats {
  const [bytes, operations]: [
    Required<BlkioStats>['ioServicedRecursive'],
    Required<BlkioStats>['ioServicedRecursive'],
  ] = [[], []];
  for (const line of (readControl(directory, 'io.stat') ?? '').split('\n')) {
    const [, major, minor, rest] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    if (rest === undefined) continue;
    const device = { major: Number(major), minor: Number(minor) };
    const values = new Map(rest.split(' ').map((field) => field.split('=') as [string, string]));
    for (const [letter, op] of OPERATIONS) {
      bytes.push({ ...device, op, value: BigInt(values.get(`${letter}bytes`) ?? 0) });
      operations.push({ ...device, op, value: BigInt(values.get(`${letter}ios`) ?? 0) });
    }
  }
  return bytes.length > 0 ? { ioServiceBytesRecursive: bytes, ioServicedRecursive: operations } : {};
}

export function hugetlbV2(directory: CgroupDirectory): Record<string, HugetlbStats> {
  const sizes = readdirSync(directory.path).flatMap((file) => /^hugetlb\.([^.]+)\.max$/.exec(file)?.[1] ?? []);
  return Object.fromEntries(
    sizes.map((size) => {
      const usage = numberIn(directory, `hugetlb.${size}.rsvd.current`, `hugetlb.${size}.current`);
      const failcnt = keyed(readControl(directory, `hugetlb.${size}.events`) ?? '').get('max') ?? 0n;
      return [size, { usage, max: 0n, failcnt }];
    }),
  );
}

/** Pressure stall information (kernel Documentation/accounting/psi.rst). Undefined where the kernel does not measure it. */
export function pressure(directory: CgroupDirectory | undefined, file: string): { psi?: Pressure } {
  const text = directory && readControl(directory, file);
  if (!text) return {};
  const none: PressureLine = { avg10: 0, avg60: 0, avg300: 0, total: 0n };
  return { psi: { some: lineOf(text, 'some') ?? none, full: lineOf(text, 'full') ?? none } };
}

function lineOf(text: string, name: string): PressureLine | undefined {
  const line = new RegExp(`^${name} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+) total=(\\d+)$`, 'm').exec(text);
  if (!line) return undefined;
  const [, avg10, avg60, avg300, total] = line;
  return { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: BigInt(total ?? 0) };
}

/**
 * linux.resources → control files of version 2 (kernel Documentation/admin-guide/cgroup-v2.rst). Pure. The configuration
 * speaks in terms of version 1; the conversions are those of runc and crun. What version 2 cannot express is an error.
 */
import { configError } from '../config/parse-config.js';
import type { OciResources } from '../config/schema.js';
import { isSet, type ResourceWrite, resourcePath, write } from './resource-write.js';
import { checkSwap, hugetlb } from './resources-v1.js';

const max = (value: number) => (value < 0 ? 'max' : value);

function inexpressible(keys: (string | number)[], what: string): Error {
  return configError(resourcePath(...keys), `cannot be done by version 2 of cgroups: ${what}`, { blame: 'host' });
}

export function memoryV2({ memory }: OciResources): ResourceWrite[] {
  if (!memory) return [];
  const { limit, swap, reservation, kernelTCP, swappiness, disableOOMKiller } = memory;
  if (isSet(kernelTCP) && kernelTCP > 0) throw inexpressible(['memory', 'kernelTCP'], 'it has no limit of TCP buffers');
  if (disableOOMKiller) throw inexpressible(['memory', 'disableOOMKiller'], 'its OOM killer cannot be switched off');
  if (swappiness !== undefined && swappiness < 2 ** 63) {
    throw inexpressible(['memory', 'swappiness'], 'it has no swappiness of its own');
  }
  const writes: ResourceWrite[] = [];
  const swapMax = swapOnly(limit, swap);
  if (swapMax !== undefined) {
    // Where nothing can be swapped, no swap and endless swap are both true without a file.
    const optional = swapMax <= 0;
    writes.push(write(['memory', 'swap'], 'memory.swap.max', max(swapMax), { optional, initial: swapMax < 0 }));
  }
  if (isSet(limit)) writes.push(write(['memory', 'limit'], 'memory.max', max(limit), { initial: limit < 0 }));
  if (isSet(reservation)) writes.push(write(['memory', 'reservation'], 'memory.low', max(reservation)));
  return writes;
}

/** Version 1 limits memory and swap together, version 2 each: swap = both - memory. -1: no limit; undefined: not asked for. */
function swapOnly(limit: number | undefined, both: number | undefined): number | undefined {
  if (!isSet(both)) return limit === -1 ? -1 : undefined;
  if (both < 0) return -1;
  if (limit === -1) return both;
  if (!isSet(limit)) throw configError(resourcePath('memory', 'swap'), 'needs memory.limit: swap is what is beyond it');
  checkSwap(limit, both);
  return both - limit;
}

const DEFAULT_PERIOD_US = 100_000;

export function cpuV2({ cpu }: OciResources): ResourceWrite[] {
  if (!cpu) return [];
  const { shares, quota, burst, period, realtimeRuntime, realtimePeriod, idle } = cpu;
  if (isSet(realtimePeriod)) throw inexpressible(['cpu', 'realtimePeriod'], 'it has no realtime scheduling');
  if (isSet(realtimeRuntime)) throw inexpressible(['cpu', 'realtimeRuntime'], 'it has no realtime scheduling');
  const writes: ResourceWrite[] = [];
  // An idle cgroup takes no weight.
  if (idle !== undefined) writes.push(write(['cpu', 'idle'], 'cpu.idle', idle, { initial: idle === 0 }));
  if (isSet(shares) && idle !== 1) writes.push(write(['cpu', 'shares'], 'cpu.weight', cpuWeight(shares)));
  if (isSet(quota) || isSet(period)) {
    const limited = isSet(quota) && quota > 0;
    const value = `${limited ? quota : 'max'} ${isSet(period) ? period : DEFAULT_PERIOD_US}`;
    const initial = !limited && !isSet(period);
    writes.push(write(['cpu', isSet(quota) ? 'quota' : 'period'], 'cpu.max', value, { initial }));
  }
  if (burst !== undefined) writes.push(write(['cpu', 'burst'], 'cpu.max.burst', burst, { initial: burst === 0 }));
  return writes;
}

/**
 * Shares (2 to 262144, usually 1024) → weight (1 to 10000, usually 100), by the curve that goes through all three points,
 * which runc 1.3.2 and crun 1.22 took over. The straight line of their earlier versions makes 39 of the usual 1024, so that a
 * container with ordinary shares got less than a process without any.
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** Weights of BFQ are as in version 1; those of the cost model (io.weight) go from 1 to 10000. */
export function ioV2({ blockIO }: OciResources): ResourceWrite[] {
  if (!blockIO) return [];
  if (isSet(blockIO.leafWeight)) throw inexpressible(['blockIO', 'leafWeight'], 'it has no weights of leaves');
  const writes: ResourceWrite[] = [];
  const either = (keys: (string | number)[], weight: number, device = '') =>
    writes.push({
      files: [
        { file: 'io.bfq.weight', value: `${device}${weight}` },
        { file: 'io.weight', value: `${device}${ioWeight(weight)}` },
      ],
      from: resourcePath('blockIO', ...keys),
    });
  if (isSet(blockIO.weight)) either(['weight'], blockIO.weight);
  blockIO.weightDevice?.forEach(({ major, minor, weight, leafWeight }, index) => {
    if (isSet(leafWeight)) throw inexpressible(['blockIO', 'weightDevice', index], 'it has no weights of leaves');
    if (isSet(weight)) either(['weightDevice', index], weight, `${major}:${minor} `);
  });
  for (const [key, name] of THROTTLES) {
    blockIO[key]?.forEach(({ major, minor, rate }, index) => {
      const initial = rate === 0; // no limit
      const value = `${major}:${minor} ${name}=${initial ? 'max' : rate}`;
      writes.push(write(['blockIO', key, index], 'io.max', value, { initial }));
    });
  }
  return writes;
}

const THROTTLES = [
  ['throttleReadBpsDevice', 'rbps'],
  ['throttleWriteBpsDevice', 'wbps'],
  ['throttleReadIOPSDevice', 'riops'],
  ['throttleWriteIOPSDevice', 'wiops'],
] as const;

/** 10 to 1000 → 1 to 10000, straight. */
export function ioWeight(weight: number): number {
  return Math.max(1, 1 + Math.floor(((weight - 10) * 9999) / 990));
}

export function hugetlbV2(resources: OciResources): ResourceWrite[] {
  return hugetlb(resources, 'max');
}

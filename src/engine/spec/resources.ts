/** Limits as people ask for them → linux.resources (config-linux.md, "Control groups"). Pure. */
import type { OciResources } from '../../container/config/schema.js';
import type { ContainerResources } from '../define/definition-parts.js';
import type { SpecFacts } from './facts.js';

const CPU_PERIOD_US = 100_000;
const NANO = 1e9;

/** What cgroups of version 2 have nothing for. */
const ONLY_VERSION_1 = ['memorySwappiness', 'oomKillDisable', 'cpuRealtimePeriodUs', 'cpuRealtimeRuntimeUs'] as const;

type Facts = Pick<SpecFacts, 'cgroupVersion' | 'blockDevices' | 'unsupported'>;

export interface OciLimits {
  /** Without `devices`. */
  resources: Omit<OciResources, 'devices'>;
  /** One for each limit that is left out. */
  warnings: string[];
}

/** The same for a start and for `update`. RangeError: a block device's number is not among the facts. */
export function ociResourcesOf(asked: ContainerResources, facts: Facts): OciLimits {
  const limits = { ...asked };
  const warnings: string[] = [];
  const leaveOut = (name: keyof ContainerResources, why: string) => {
    if (limits[name] === undefined) return;
    delete limits[name];
    warnings.push(`${name} is left out: ${why}`);
  };
  if (facts.cgroupVersion === 2) {
    for (const name of ONLY_VERSION_1) leaveOut(name, 'cgroups of version 2 have no such limit');
  }
  for (const name of facts.unsupported ?? []) leaveOut(name, 'this machine cannot limit it');
  const pidsLimit = limits.pidsLimit ?? 0;
  const resources = {
    memory: present({
      limit: limits.memoryBytes || undefined,
      swap: limits.memorySwapBytes || undefined,
      reservation: limits.memoryReservationBytes || undefined,
      swappiness: limits.memorySwappiness,
      disableOOMKiller: limits.oomKillDisable || undefined,
    }),
    cpu: present({
      shares: limits.cpuShares || undefined,
      ...cpuTime(limits),
      realtimePeriod: limits.cpuRealtimePeriodUs || undefined,
      realtimeRuntime: limits.cpuRealtimeRuntimeUs || undefined,
      cpus: limits.cpusetCpus || undefined,
      mems: limits.cpusetMems || undefined,
    }),
    pids: pidsLimit > 0 ? { limit: pidsLimit } : undefined,
    blockIO: blockIo(limits, facts),
  };
  return { resources: present(resources) ?? {}, warnings };
}

function cpuTime({ nanoCpus, cpuQuotaUs, cpuPeriodUs }: ContainerResources) {
  if (nanoCpus) return { quota: Math.round((nanoCpus / NANO) * CPU_PERIOD_US), period: CPU_PERIOD_US };
  return { quota: cpuQuotaUs || undefined, period: cpuPeriodUs || undefined };
}

function blockIo(limits: ContainerResources, { blockDevices }: Facts): OciResources['blockIO'] | undefined {
  const numbers = (path: string) => {
    const found = blockDevices.get(path);
    if (!found) throw new RangeError(`the number of the device ${path} is not among the facts`);
    return found;
  };
  const rates = (list: ContainerResources['deviceReadBps']) =>
    list?.length ? list.map(({ path, rate }) => ({ ...numbers(path), rate })) : undefined;
  return present({
    weight: limits.blkioWeight || undefined,
    weightDevice: limits.blkioWeightDevices?.length
      ? limits.blkioWeightDevices.map(({ path, weight }) => ({ ...numbers(path), weight }))
      : undefined,
    throttleReadBpsDevice: rates(limits.deviceReadBps),
    throttleWriteBpsDevice: rates(limits.deviceWriteBps),
    throttleReadIOPSDevice: rates(limits.deviceReadIops),
    throttleWriteIOPSDevice: rates(limits.deviceWriteIops),
  });
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined; undefined when nothing is left. */
function present<T extends object>(value: T): Present<T> | undefined {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return entries.length > 0 ? (Object.fromEntries(entries) as Present<T>) : undefined;
}

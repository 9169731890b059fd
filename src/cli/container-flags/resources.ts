/** Limits: the flags of `run`, `create` and `update` that become ContainerResources. Pure. */
import { ramBytes } from '../../base/ram-size.js';
import { refuse } from '../../engine/define/asked-error.js';
import type { ContainerResources } from '../../engine/define/definition-parts.js';
import { integerOf, sizeOf, splitOnce, wrongValue } from './wrong.js';

export interface ResourceFlags {
  memory?: string | undefined;
  'memory-reservation'?: string | undefined;
  'memory-swap'?: string | undefined;
  'memory-swappiness'?: string | undefined;
  'oom-kill-disable'?: boolean | undefined;
  cpus?: string | undefined;
  'cpu-period'?: string | undefined;
  'cpu-quota'?: string | undefined;
  'cpu-rt-period'?: string | undefined;
  'cpu-rt-runtime'?: string | undefined;
  'cpu-shares'?: string | undefined;
  'cpuset-cpus'?: string | undefined;
  'cpuset-mems'?: string | undefined;
  'pids-limit'?: string | undefined;
  'blkio-weight'?: string | undefined;
  'blkio-weight-device'?: string[] | undefined;
  'device-read-bps'?: string[] | undefined;
  'device-write-bps'?: string[] | undefined;
  'device-read-iops'?: string[] | undefined;
  'device-write-iops'?: string[] | undefined;
}

/** What was asked for; 0, which is docker's word for "not limited", is left out. */
export function readResources(flags: ResourceFlags): ContainerResources {
  const size = (name: 'memory' | 'memory-reservation') => {
    const text = flags[name];
    return text === undefined ? undefined : sizeOf(`--${name}`, text);
  };
  const count = (name: keyof ResourceFlags & `${'cpu' | 'pids' | 'blkio' | 'memory'}-${string}`, least = 0) => {
    const text = flags[name];
    return typeof text === 'string' ? integerOf(`--${name}`, text, least) : undefined;
  };
  const resources = {
    memoryBytes: size('memory'),
    memoryReservationBytes: size('memory-reservation'),
    memorySwapBytes: swapOf(flags['memory-swap']),
    memorySwappiness: swappinessOf(flags['memory-swappiness']),
    oomKillDisable: flags['oom-kill-disable'] || undefined,
    nanoCpus: flags.cpus === undefined ? undefined : nanoCpusOf(flags.cpus),
    cpuPeriodUs: count('cpu-period'),
    cpuQuotaUs: count('cpu-quota', -1),
    cpuRealtimePeriodUs: count('cpu-rt-period'),
    cpuRealtimeRuntimeUs: count('cpu-rt-runtime'),
    cpuShares: count('cpu-shares'),
    cpusetCpus: cpuList('--cpuset-cpus', flags['cpuset-cpus']),
    cpusetMems: cpuList('--cpuset-mems', flags['cpuset-mems']),
    pidsLimit: count('pids-limit', -1),
    blkioWeight: count('blkio-weight'),
    blkioWeightDevices: flags['blkio-weight-device']?.map(weightDevice),
    deviceReadBps: rates('--device-read-bps', flags['device-read-bps'], true),
    deviceWriteBps: rates('--device-write-bps', flags['device-write-bps'], true),
    deviceReadIops: rates('--device-read-iops', flags['device-read-iops'], false),
    deviceWriteIops: rates('--device-write-iops', flags['device-write-iops'], false),
  };
  const isAsked = ([name, value]: [string, unknown]) =>
    value !== undefined && (value !== 0 || name === 'memorySwappiness') && value !== '';
  return Object.fromEntries(Object.entries(resources).filter(isAsked)) as ContainerResources;
}

function swapOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : text === '-1' ? -1 : sizeOf('--memory-swap', text);
}

/** -1 is docker's word for the machine's own. */
function swappinessOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '-1') return undefined;
  const value = integerOf('--memory-swappiness', text, Number.MIN_SAFE_INTEGER);
  if (value < 0 || value > 100) throw refuse(`invalid value: ${text}. Valid memory swappiness range is 0-100`);
  return value;
}

/** `1.5` → 1500000000; as docker, not rounded. */
function nanoCpusOf(text: string): number {
  const [, whole = '', fraction = ''] = /^(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  if (whole === '' && fraction === '') throw wrongValue('--cpus', text, `failed to parse ${text} as a rational number`);
  const digits = fraction.replace(/0+$/, '');
  if (digits.length > 9) throw wrongValue('--cpus', text, 'value is too precise');
  return Number(whole || '0') * 1e9 + Number(digits.padEnd(9, '0'));
}

function cpuList(flag: string, text: string | undefined): string | undefined {
  if (text === undefined || text === '' || /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(text)) return text;
  throw wrongValue(flag, text, 'it is no list of numbers', 'write it as 0-3 or 0,2');
}

function devicePath(flag: string, text: string): [path: string, value: string] {
  const [path, value] = splitOnce(text, ':');
  if (!path.startsWith('/dev/')) throw wrongValue(flag, text, `bad format for device path: ${text}`);
  if (value === undefined || value === '') throw wrongValue(flag, text, `bad format: ${text}`);
  return [path, value];
}

function weightDevice(text: string): { path: string; weight: number } {
  const [path, value] = devicePath('--blkio-weight-device', text);
  const weight = /^\d+$/.test(value) ? Number(value) : -1;
  if (weight !== 0 && (weight < 10 || weight > 1000)) {
    throw wrongValue('--blkio-weight-device', text, `invalid weight for device: ${text}`);
  }
  return { path, weight };
}

function rates(flag: string, texts: readonly string[] | undefined, isSize: boolean) {
  return texts?.map((text) => {
    const [path, value] = devicePath(flag, text);
    const rate = isSize ? ramBytes(value) : /^\d+$/.test(value) ? Number(value) : undefined;
    if (rate !== undefined) return { path, rate };
    const form = isSize ? '<number>[<unit>]' : '<number>';
    throw wrongValue(flag, text, `invalid rate for device: ${text}. The correct format is <device-path>:${form}`);
  });
}

/** `no`, `always`, `unless-stopped`, `on-failure[:TIMES]`. */
export function readRestart(text: string) {
  const [name, count] = splitOnce(text, ':');
  const known = (['no', 'always', 'unless-stopped', 'on-failure'] as const).find((one) => one === (name || 'no'));
  if (count !== undefined && !/^[+-]?\d+$/.test(count)) {
    throw refuse('invalid restart policy format: maximum retry count must be an integer');
  }
  if (!known) {
    throw refuse(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  const maximumRetryCount = Number(count ?? 0);
  if (maximumRetryCount < 0) throw refuse('invalid restart policy: maximum retry count cannot be negative');
  if (known !== 'on-failure' && maximumRetryCount > 0) {
    throw refuse("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  }
  return { name: known, maximumRetryCount };
}

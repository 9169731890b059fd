/**
 * What systemd must know of a container's scope: its name, its slice and its limits, in the words of systemd-run(1) and
 * systemd.resource-control(5). Pure. The same limits are also written to the control files, exactly; systemd needs them
 * because it writes its own whenever it reloads.
 */
import { configError } from '../config/parse-config.js';
import type { OciConfig, OciResources } from '../config/schema.js';
import type { SystemdUnit } from './cgroup.js';
import { CGROUPS_PATH } from './cgroup-path.js';
import { type DeviceRule, deviceRules } from './device-rules.js';
import { isSet } from './resource-write.js';
import { cpuV2, cpuWeight, memoryV2 } from './resources-v2.js';

/**
 * `slice:prefix:name`, as all engines write it for systemd. The slice is system.slice by default, or user.slice for a user's
 * own manager; the unit is `prefix-name.scope`. Error (`input`): another form.
 */
export function unitOf(cgroupsPath: string | undefined, id: string, bus: SystemdUnit['bus']): SystemdUnit {
  const parts = (cgroupsPath || `:vlab:${id}`).split(':');
  const [slice = '', prefix = '', name = ''] = parts;
  if (parts.length !== 3 || name === '') {
    throw configError(CGROUPS_PATH, `is ${cgroupsPath}, but systemd's cgroups are named slice:prefix:name`, {
      hint: 'leave --systemd-cgroup away, or write it as machine.slice:vlab:NAME',
    });
  }
  if (name.endsWith('.slice')) throw configError(CGROUPS_PATH, 'names a slice, which takes no container itself');
  const chosen = slice || (bus === 'user' ? 'user.slice' : 'system.slice');
  expandSlice(chosen);
  return { name: `${prefix === '' ? '' : `${prefix}-`}${name}.scope`, slice: chosen, bus };
}

/** `a-b.slice` → `/a.slice/a-b.slice`: the dashes of a slice's name are its parents (systemd.slice(5)). Error (`input`). */
export function expandSlice(slice: string): string {
  const wrong = () => configError(CGROUPS_PATH, `names the slice ${slice}, which no slice can be called`);
  if (!slice.endsWith('.slice') || slice.includes('/')) throw wrong();
  const name = slice.slice(0, -'.slice'.length);
  if (name === '-') return '/';
  const parts = name.split('-');
  if (parts.some((part) => part === '')) throw wrong();
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}

export interface PropertyOptions {
  /** Of the hierarchies that systemd manages. */
  version: 1 | 2;
  /** /proc/devices, by which systemd knows groups of devices. Without it the device rules are left alone. */
  devices?: string | undefined;
}

/** `Name=value` for each limit that systemd has a name for. */
export function limitProperties(resources: OciResources, { version, devices }: PropertyOptions): string[] {
  const { cpu, pids } = resources;
  return [
    ...(version === 1 ? limitsV1(resources) : limitsV2(resources)),
    ...quota(cpu?.quota, cpu?.period),
    ...(cpu?.cpus ? [`AllowedCPUs=${cpu.cpus}`] : []),
    ...(cpu?.mems ? [`AllowedMemoryNodes=${cpu.mems}`] : []),
    ...(pids?.limit === undefined ? [] : [`TasksMax=${infinite(pids.limit <= 0 ? -1 : pids.limit)}`]),
    // Version 2: our own program decides. One of systemd's would be asked beside it, and knows fewer kinds of rules.
    ...(version === 1 && devices !== undefined ? deviceProperties(resources, devices) : []),
    ...(version === 2 ? unifiedProperties(resources.unified) : []),
  ];
}

const infinite = (value: number | string) => (value === -1 || value === 'max' ? 'infinity' : String(value));

/** The names that systemd has for version 1; it knows MemoryMax for both. */
function limitsV1({ memory, cpu, blockIO }: OciResources): string[] {
  return [
    ...(isSet(memory?.limit) ? [`MemoryMax=${infinite(memory.limit)}`] : []),
    ...(isSet(cpu?.shares) ? [`CPUShares=${cpu.shares}`] : []),
    ...(isSet(blockIO?.weight) ? [`BlockIOWeight=${blockIO.weight}`] : []),
  ];
}

const MEMORY_NAMES: Record<string, string> = {
  'memory.max': 'MemoryMax',
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.swap.max': 'MemorySwapMax',
};

function limitsV2(resources: OciResources): string[] {
  const { cpu } = resources;
  const files = memoryV2(resources).flatMap((write) => write.files);
  const idle = cpuV2(resources).some(({ files: [first] }) => first?.file === 'cpu.idle' && first.value === '1');
  return [
    ...files.flatMap(({ file, value }) => (MEMORY_NAMES[file] ? [`${MEMORY_NAMES[file]}=${infinite(value)}`] : [])),
    ...(idle ? ['CPUWeight=idle'] : isSet(cpu?.shares) ? [`CPUWeight=${cpuWeight(cpu.shares)}`] : []),
  ];
}

const DEFAULT_PERIOD_US = 100_000;

/** Of one processor, in whole percent, rounded up: systemd knows no finer one. */
function quota(quotaUs: number | undefined, periodUs: number | undefined): string[] {
  const period = isSet(periodUs) ? [`CPUQuotaPeriodSec=${periodUs}us`] : [];
  if (!isSet(quotaUs)) return period;
  if (quotaUs < 0) return [...period, 'CPUQuota='];
  return [...period, `CPUQuota=${Math.ceil((quotaUs * 100) / (isSet(periodUs) ? periodUs : DEFAULT_PERIOD_US))}%`];
}

/** What of `unified` systemd has a name for. */
function unifiedProperties(unified: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(unified).flatMap(([file, text]) => {
    const value = text.trim();
    if (MEMORY_NAMES[file]) return [`${MEMORY_NAMES[file]}=${infinite(value)}`];
    if (file === 'pids.max') return [`TasksMax=${infinite(value)}`];
    if (file === 'cpu.weight') return [`CPUWeight=${value}`];
    if (file === 'cpuset.cpus') return [`AllowedCPUs=${value}`];
    if (file === 'cpuset.mems') return [`AllowedMemoryNodes=${value}`];
    if (file !== 'cpu.max') return [];
    const [amount = 'max', period] = value.split(/\s+/);
    return quota(amount === 'max' ? -1 : Number(amount), period === undefined ? undefined : Number(period));
  });
}

/** A policy without which systemd would open every device at its next reload. */
function deviceProperties({ devices: configured }: OciResources, groups: string): string[] {
  const { others, rules } = deviceRules(configured);
  if (others === 'allowed') return ['DevicePolicy=auto', 'DeviceAllow='];
  const allowed = rules.filter(({ allow }) => allow).flatMap((rule) => deviceText(rule, groups));
  // The empty one forgets those of before.
  return ['DevicePolicy=strict', 'DeviceAllow=', ...allowed.map((text) => `DeviceAllow=${text}`)];
}

function deviceText({ type, major, minor, access }: DeviceRule, groups: string): string[] {
  const kind = type === 'c' ? 'char' : 'block';
  if (major === undefined) return minor === undefined ? [`${kind}-* ${access}`] : [];
  if (minor !== undefined) return [`/dev/${kind}/${major}:${minor} ${access}`];
  const name = groupName(groups, kind, major);
  return name === undefined ? [] : [`${kind}-${name} ${access}`];
}

/** The first name of a major number in /proc/devices. */
function groupName(text: string, kind: 'char' | 'block', major: number): string | undefined {
  const [characters = '', blocks = ''] = text.split(/^Block devices:$/m);
  return new RegExp(`^ *${major} (\\S+)$`, 'm').exec(kind === 'char' ? characters : blocks)?.[1];
}

const ANNOTATION = 'org.systemd.property.';

/** Annotations that set properties of the unit: `org.systemd.property.TimeoutStopUSec` = `uint64 5000000`. */
export function annotatedProperties({ annotations = {} }: Pick<OciConfig, 'annotations'>): string[] {
  return Object.entries(annotations)
    .filter(([name]) => name.startsWith(ANNOTATION))
    .flatMap(([annotation, text]) => {
      const name = annotation.slice(ANNOTATION.length);
      const values = variantTexts(text);
      if (!/^[A-Z]\w*$/.test(name) || values === undefined) {
        throw configError(`annotations[${JSON.stringify(annotation)}]`, 'is no property of a systemd unit');
      }
      // The commands of systemd take times by their configuration names: TimeoutStopSec.
      return name.endsWith('USec')
        ? values.map((value) => `${name.slice(0, -'USec'.length)}Sec=${value}us`)
        : values.map((value) => `${name}=${value}`);
    });
}

/** A value in GVariant's text form, as far as units have such: a string, a number with or without its type, a boolean, a list. */
function variantTexts(text: string): string[] | undefined {
  const trimmed = text.trim();
  const [, list] = /^\[(.*)\]$/s.exec(trimmed) ?? [];
  if (list !== undefined) return list.split(/,(?=(?:[^']*'[^']*')*[^']*$)/).flatMap((one) => variantTexts(one) ?? []);
  const [, quoted] = /^'((?:[^'\\]|\\.)*)'$/s.exec(trimmed) ?? [];
  if (quoted !== undefined) return [quoted.replace(/\\(.)/g, '$1')];
  const [, plain] = /^(?:(?:byte|boolean|u?int(?:16|32|64)|double) +)?(true|false|-?[\d.]+)$/.exec(trimmed) ?? [];
  return plain === undefined ? undefined : [plain];
}

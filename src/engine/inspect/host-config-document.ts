/** `HostConfig` of a container's document: what it may use of the host. Pure. */
import { asMap } from '../../base/go-map.js';
import { MASKED_PATHS, READONLY_PATHS } from '../../container/config/default-config.js';
import type { PublishedPort } from '../../network/ports.js';
import type { ContainerDefinition } from '../define/definition.js';
import type { ContainerRecord } from '../record/records.js';
import { portBindings } from './network-document.js';

export function hostConfigDocument({ definition, state }: ContainerRecord) {
  const resources = state.updated.resources ?? definition.resources;
  const restart = state.updated.restart ?? definition.restart;
  const { network, namespaces, security, log } = definition;
  const tmpfs = definition.mounts.filter((mount) => mount.kind === 'tmpfs' && mount.origin === 'tmpfs');
  return {
    Binds: nullIfEmpty(bindsOf(definition)),
    ContainerIDFile: '',
    LogConfig: { Type: log.driver, Config: asMap(log.options) },
    NetworkMode: networkMode(definition),
    PortBindings: portBindings(network.publish as readonly PublishedPort[]),
    RestartPolicy: { Name: restart.name, MaximumRetryCount: restart.maximumRetryCount },
    AutoRemove: definition.autoRemove,
    VolumeDriver: '',
    VolumesFrom: null,
    CapAdd: nullIfEmpty(security.capAdd),
    CapDrop: nullIfEmpty(security.capDrop),
    CgroupnsMode: namespaces.cgroup,
    Dns: network.dns,
    DnsOptions: network.dnsOptions,
    DnsSearch: network.dnsSearch,
    ExtraHosts: nullIfEmpty(network.extraHosts.map(({ name, address }) => `${name}:${address}`)),
    GroupAdd: nullIfEmpty(definition.groupAdd),
    IpcMode: namespaces.ipc,
    Cgroup: '',
    Links: null,
    OomScoreAdj: definition.oomScoreAdj ?? 0,
    PidMode: namespaces.pid === 'private' ? '' : namespaces.pid,
    Privileged: security.privileged,
    PublishAllPorts: network.publishAll,
    ReadonlyRootfs: definition.readonlyRoot,
    SecurityOpt: nullIfEmpty(security.options),
    ...(tmpfs.length > 0 && { Tmpfs: asMap(Object.fromEntries(tmpfs.map(tmpfsEntry))) }),
    UTSMode: namespaces.uts === 'private' ? '' : namespaces.uts,
    UsernsMode: namespaces.user === 'private' ? '' : namespaces.user,
    ShmSize: definition.shmSizeBytes,
    ...(Object.keys(definition.sysctls).length > 0 && { Sysctls: asMap(definition.sysctls) }),
    Runtime: 'vlab',
    Isolation: '',
    CpuShares: resources.cpuShares ?? 0,
    Memory: resources.memoryBytes ?? 0,
    NanoCpus: resources.nanoCpus ?? 0,
    CgroupParent: definition.cgroupParent ?? '',
    BlkioWeight: resources.blkioWeight ?? 0,
    BlkioWeightDevice: (resources.blkioWeightDevices ?? []).map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: rates(resources.deviceReadBps),
    BlkioDeviceWriteBps: rates(resources.deviceWriteBps),
    BlkioDeviceReadIOps: rates(resources.deviceReadIops),
    BlkioDeviceWriteIOps: rates(resources.deviceWriteIops),
    CpuPeriod: resources.cpuPeriodUs ?? 0,
    CpuQuota: resources.cpuQuotaUs ?? 0,
    CpuRealtimePeriod: resources.cpuRealtimePeriodUs ?? 0,
    CpuRealtimeRuntime: resources.cpuRealtimeRuntimeUs ?? 0,
    CpusetCpus: resources.cpusetCpus ?? '',
    CpusetMems: resources.cpusetMems ?? '',
    Devices: definition.devices.map(({ source, destination, access }) => ({
      PathOnHost: source,
      PathInContainer: destination,
      CgroupPermissions: access,
    })),
    DeviceCgroupRules: nullIfEmpty(definition.deviceRules.map(ruleText)),
    DeviceRequests: null,
    MemoryReservation: resources.memoryReservationBytes ?? 0,
    MemorySwap: resources.memorySwapBytes ?? 0,
    MemorySwappiness: resources.memorySwappiness ?? null,
    OomKillDisable: resources.oomKillDisable ?? null,
    PidsLimit: resources.pidsLimit ?? null,
    Ulimits: definition.ulimits.map(({ name, soft, hard }) => ({ Name: name, Hard: hard, Soft: soft })),
    ...(definition.init && { Init: true }),
    MaskedPaths: security.maskPaths && !security.privileged ? MASKED_PATHS : null,
    ReadonlyPaths: security.maskPaths && !security.privileged ? READONLY_PATHS : null,
  };
}

/** As `-v` took them. */
function bindsOf({ mounts }: ContainerDefinition): string[] {
  return mounts.flatMap((mount) => {
    if (mount.kind === 'tmpfs' || mount.origin !== 'volume') return [];
    if (mount.kind === 'volume' && mount.anonymous) return [];
    const source = mount.kind === 'bind' ? mount.source : mount.name;
    return [`${source}:${mount.destination}${mount.readonly ? ':ro' : ''}`];
  });
}

type Mount = ContainerDefinition['mounts'][number];

function tmpfsEntry(mount: Mount): [string, string] {
  return [mount.destination, mount.kind === 'tmpfs' ? mount.options.join(',') : ''];
}

function networkMode({ network }: ContainerDefinition): string {
  return network.mode === 'networks' ? (network.attachments[0]?.network ?? 'none') : network.mode;
}

function rates(devices: readonly { path: string; rate: number }[] = []) {
  return nullIfEmpty(devices.map(({ path, rate }) => ({ Path: path, Rate: rate })));
}

function ruleText(rule: ContainerDefinition['deviceRules'][number]): string {
  return `${rule.type} ${rule.major ?? '*'}:${rule.minor ?? '*'} ${rule.access}`;
}

function nullIfEmpty<T>(list: readonly T[]): T[] | null {
  return list.length > 0 ? [...list] : null;
}

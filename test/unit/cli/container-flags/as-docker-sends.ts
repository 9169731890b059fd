/** What was asked for as docker's client would send it: only what differs from a line without flags, by the names of its API. */
import type { AskedContainer, AskedMount } from '../../../../src/engine/define/asked-container.js';

type Sent = Record<string, unknown>;

const NS_PER_MS = 1e6;

export function asDockerSends({
  asked,
  name: _,
  platform: __,
}: {
  asked: AskedContainer;
  name?: string;
  platform?: string;
}): Sent {
  const sent: Sent = {};
  const put = (key: string, value: unknown) => {
    const isNothing = value === undefined || value === false || value === '' || value === 0;
    const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    if (!isNothing && !isEmpty) sent[key] = value;
  };
  const { network, namespaces, security, resources, restart, log, attach } = asked;
  put('AttachStdin', attach.stdin);
  if (!attach.stdout) sent.AttachStdout = false;
  if (!attach.stderr) sent.AttachStderr = false;
  put('Tty', asked.tty);
  put('OpenStdin', asked.openStdin);
  put('StdinOnce', asked.stdinOnce);
  put('Env', asked.env.toSorted()); // docker's come in any order
  if (asked.entrypoint) sent.Entrypoint = asked.entrypoint.length === 0 ? [''] : asked.entrypoint;
  put('User', asked.user);
  put('WorkingDir', asked.cwd);
  put('Hostname', asked.hostname);
  put('Domainname', asked.domainname);
  for (const [label, value] of Object.entries(asked.labels)) sent[`Labels.${label}`] = value;
  put('StopSignal', asked.stopSignal);
  put('StopTimeout', asked.stopTimeoutS);
  put('Healthcheck', healthOf(asked.healthCheck));
  const ports = network.exposed.filter((port) => port !== '');
  put('ExposedPorts', Object.fromEntries(ports.map((port) => [port, {}])));
  for (const port of network.publish) {
    for (let at = 0; at < port.count; at++) {
      const HostPort = port.hostPort === 0 ? '' : String(port.hostPort + at);
      sent[`HostConfig.PortBindings.${port.containerPort + at}/${port.protocol}`] = [
        { HostIp: port.hostAddress ?? '', HostPort },
      ];
    }
  }
  put('HostConfig.PublishAllPorts', network.publishAll);
  put('HostConfig.Dns', network.dns);
  put('HostConfig.DnsSearch', network.dnsSearch);
  put('HostConfig.DnsOptions', network.dnsOptions);
  put(
    'HostConfig.ExtraHosts',
    network.extraHosts.map(({ name, address }) => `${name}:${address}`),
  );
  const [first] = network.attachments;
  const mode = network.mode === 'networks' ? (first?.network ?? '') : network.mode;
  put('HostConfig.NetworkMode', mode === 'bridge' ? '' : mode);
  put('HostConfig.PidMode', namespaces.pid === 'private' ? '' : namespaces.pid);
  put('HostConfig.IpcMode', namespaces.ipc === 'private' ? '' : namespaces.ipc);
  put('HostConfig.UTSMode', namespaces.uts === 'private' ? '' : namespaces.uts);
  put('HostConfig.CgroupnsMode', namespaces.cgroup === 'private' ? '' : namespaces.cgroup);
  put('HostConfig.CgroupParent', asked.cgroupParent);
  put('HostConfig.Privileged', security.privileged);
  put('HostConfig.CapAdd', security.capAdd);
  put('HostConfig.CapDrop', security.capDrop);
  put(
    'HostConfig.SecurityOpt',
    security.options.filter((option) => !option.startsWith('systempaths')),
  );
  if (!security.maskPaths)
    Object.assign(sent, { 'HostConfig.MaskedPaths': [], 'HostConfig.ReadonlyPaths': [], 'HostConfig.SecurityOpt': [] });
  putMounts(asked.mounts, sent, put);
  put(
    'HostConfig.VolumesFrom',
    asked.volumesFrom.map(({ container, readonly }) => `${container}${readonly ? ':ro' : ''}`),
  );
  put(
    'HostConfig.Devices',
    asked.devices.map(({ source, destination, access }) => ({
      PathOnHost: source,
      PathInContainer: destination,
      CgroupPermissions: access,
    })),
  );
  put(
    'HostConfig.DeviceCgroupRules',
    asked.deviceRules.map(({ type, major, minor, access }) => `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`),
  );
  put('HostConfig.Sysctls', asked.sysctls);
  put(
    'HostConfig.Ulimits',
    asked.ulimits.map(({ name, soft, hard }) => ({ Name: name, Hard: hard, Soft: soft })),
  );
  put('HostConfig.ShmSize', asked.shmSizeBytes === 64 * 1024 ** 2 ? 0 : asked.shmSizeBytes);
  put('HostConfig.OomScoreAdj', asked.oomScoreAdj);
  put('HostConfig.ReadonlyRootfs', asked.readonlyRoot);
  put('HostConfig.Init', asked.init);
  put('HostConfig.AutoRemove', asked.autoRemove);
  put('HostConfig.GroupAdd', asked.groupAdd);
  put('HostConfig.Annotations', asked.annotations);
  put('HostConfig.LogConfig.Type', log.driver === 'json-file' ? '' : log.driver);
  for (const [key, value] of Object.entries(log.options)) sent[`HostConfig.LogConfig.Config.${key}`] = value;
  put('HostConfig.StorageOpt', asked.storageSizeBytes && { size: `${asked.storageSizeBytes / 1024 ** 3}g` });
  put('HostConfig.RestartPolicy.Name', restart.name === 'no' ? '' : restart.name);
  put('HostConfig.RestartPolicy.MaximumRetryCount', restart.maximumRetryCount);
  for (const [ours, theirs] of Object.entries(LIMITS))
    put(`HostConfig.${theirs}`, resources[ours as keyof typeof resources]);
  put(
    'HostConfig.BlkioWeightDevice',
    resources.blkioWeightDevices?.map(({ path, weight }) => ({ Path: path, Weight: weight })),
  );
  for (const [ours, theirs] of Object.entries(RATES)) {
    const rates = resources[ours as keyof typeof RATES];
    put(
      `HostConfig.${theirs}`,
      rates?.map(({ path, rate }) => ({ Path: path, Rate: rate })),
    );
  }
  return sent;
}

const LIMITS = {
  memoryBytes: 'Memory',
  memoryReservationBytes: 'MemoryReservation',
  memorySwapBytes: 'MemorySwap',
  memorySwappiness: 'MemorySwappiness',
  oomKillDisable: 'OomKillDisable',
  nanoCpus: 'NanoCpus',
  cpuPeriodUs: 'CpuPeriod',
  cpuQuotaUs: 'CpuQuota',
  cpuRealtimePeriodUs: 'CpuRealtimePeriod',
  cpuRealtimeRuntimeUs: 'CpuRealtimeRuntime',
  cpuShares: 'CpuShares',
  cpusetCpus: 'CpusetCpus',
  cpusetMems: 'CpusetMems',
  pidsLimit: 'PidsLimit',
  blkioWeight: 'BlkioWeight',
};
const RATES = {
  deviceReadBps: 'BlkioDeviceReadBps',
  deviceWriteBps: 'BlkioDeviceWriteBps',
  deviceReadIops: 'BlkioDeviceReadIOps',
  deviceWriteIops: 'BlkioDeviceWriteIOps',
} as const;

function healthOf(asked: AskedContainer['healthCheck']) {
  if (asked === undefined) return undefined;
  if (asked === 'none') return { Test: ['NONE'] };
  const time = (key: string, ms: number | undefined) => (ms ? { [key]: ms * NS_PER_MS } : {});
  return {
    ...(asked.test ? { Test: asked.test } : {}),
    ...time('Interval', asked.intervalMs),
    ...time('Timeout', asked.timeoutMs),
    ...time('StartPeriod', asked.startPeriodMs),
    ...time('StartInterval', asked.startIntervalMs),
    ...(asked.retries ? { Retries: asked.retries } : {}),
  };
}

/** `-v` as the strings that docker keeps, with options in one order; `--mount` as its objects. */
function putMounts(mounts: readonly AskedMount[], sent: Sent, put: (key: string, value: unknown) => void): void {
  const binds: string[] = [];
  const described: object[] = [];
  for (const mount of mounts) {
    if (mount.origin === 'mount') described.push(describe(mount));
    else if (mount.kind === 'tmpfs') {
      const options = [...(mount.readonly ? ['ro'] : []), ...mount.options].join(',');
      sent['HostConfig.Tmpfs'] = { [mount.destination]: options };
    } else if (mount.kind === 'volume' && mount.name === undefined) sent[`Volumes.${mount.destination}`] = {};
    else {
      const source = mount.kind === 'bind' ? mount.source : mount.name;
      const options = [
        ...(mount.readonly ? ['ro'] : []),
        ...(mount.kind === 'bind' && mount.propagation !== 'rprivate' ? [mount.propagation] : []),
        ...(mount.kind === 'volume' && !mount.copyUp ? ['nocopy'] : []),
      ];
      binds.push([source, mount.destination, ...(options.length > 0 ? [options.join(',')] : [])].join(':'));
    }
  }
  put('HostConfig.Binds', binds);
  put('HostConfig.Mounts', described);
}

function describe(mount: AskedMount): object {
  const common = { Type: mount.kind, Target: mount.destination, ...(mount.readonly ? { ReadOnly: true } : {}) };
  switch (mount.kind) {
    case 'bind':
      return { ...common, Source: mount.source, bind: [mount.propagation, mount.recursive] };
    case 'volume': {
      const { name, copyUp, subpath, driverOptions, labels } = mount;
      return { ...common, ...(name ? { Source: name } : {}), volume: { copyUp, subpath, driverOptions, labels } };
    }
    case 'tmpfs':
      return { ...common, options: mount.options };
  }
}

interface DockerMount {
  Type: string;
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  BindOptions?: { Propagation?: string; NonRecursive?: boolean };
  VolumeOptions?: {
    NoCopy?: boolean;
    Subpath?: string;
    Labels?: Record<string, string>;
    DriverConfig?: { Options?: Record<string, string> };
  };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
}

/** Networks have a test of their own; a user namespace is the host's anyway. */
const SAID_OTHERWISE = /^NetworkingConfig|UsernsMode$/;

/** What docker's client sent, in the form of `asDockerSends`. */
export function plainly(recorded: Sent): Sent {
  const sent = Object.fromEntries(Object.entries(recorded).filter(([key]) => !SAID_OTHERWISE.test(key)));
  const env = sent.Env as string[] | undefined;
  if (env) sent.Env = env.toSorted();
  const mounts = sent['HostConfig.Mounts'] as DockerMount[] | undefined;
  if (mounts) sent['HostConfig.Mounts'] = mounts.map(plainMount);
  const binds = sent['HostConfig.Binds'] as string[] | undefined;
  if (binds) sent['HostConfig.Binds'] = binds.map((bind) => bind.replace(',Z', ''));
  if (sent['HostConfig.CgroupnsMode'] === 'private') delete sent['HostConfig.CgroupnsMode'];
  if (sent['HostConfig.NetworkMode'] === 'default') delete sent['HostConfig.NetworkMode'];
  return sent;
}

function plainMount({ Type, Source, Target, ReadOnly, BindOptions, VolumeOptions, TmpfsOptions }: DockerMount): object {
  const common = { Type, Target, ...(ReadOnly ? { ReadOnly } : {}), ...(Source ? { Source } : {}) };
  if (Type === 'bind') return { ...common, bind: [BindOptions?.Propagation ?? 'rprivate', !BindOptions?.NonRecursive] };
  if (Type === 'volume') {
    const { NoCopy = false, Subpath, Labels = {}, DriverConfig } = VolumeOptions ?? {};
    return {
      ...common,
      volume: { copyUp: !NoCopy, subpath: Subpath, labels: Labels, driverOptions: DriverConfig?.Options ?? {} },
    };
  }
  const { SizeBytes, Mode } = TmpfsOptions ?? {};
  return {
    ...common,
    options: [...(SizeBytes ? [`size=${SizeBytes}`] : []), ...(Mode ? [`mode=${Mode.toString(8)}`] : [])],
  };
}

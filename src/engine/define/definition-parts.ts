/** The parts of a container's definition that have a life of their own: mounts, attachments to networks, ports, limits. */
import * as v from 'valibot';

const text = v.string();
const flag = v.boolean();
const int = v.pipe(v.number(), v.integer());
const uint = v.pipe(int, v.minValue(0));
const maybe = v.exactOptional;
const absolutePath = v.pipe(text, v.startsWith('/'));

const PROPAGATION = v.picklist(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

/** Who asked for it: `image` is a VOLUME of the image, `other` another container (`--volumes-from`). */
const ORIGIN = v.picklist(['volume', 'mount', 'tmpfs', 'image', 'other']);

export const MOUNT = v.variant('kind', [
  v.object({
    kind: v.literal('bind'),
    origin: ORIGIN,
    source: absolutePath,
    destination: absolutePath,
    readonly: flag,
    propagation: PROPAGATION,
    /** With what is mounted below the source. */
    recursive: flag,
    /** What is mounted below the source is read-only too, where that is asked for. */
    readonlyRecursive: flag,
    /** A directory is made where there is no source (`-v`); `--mount` refuses. */
    createSource: flag,
  }),
  v.object({
    kind: v.literal('volume'),
    origin: ORIGIN,
    /** Of an anonymous one 64 hexadecimal digits, chosen when the container is made. */
    name: text,
    /** It is removed with the container by `--rm` and `rm -v`. */
    anonymous: flag,
    destination: absolutePath,
    readonly: flag,
    /** An empty volume is filled with what the image has there, unless this is false. */
    copyUp: flag,
    /** A path inside of the volume. */
    subpath: maybe(text),
    driver: text,
    driverOptions: v.record(text, text),
    labels: v.record(text, text),
  }),
  v.object({
    kind: v.literal('tmpfs'),
    origin: ORIGIN,
    destination: absolutePath,
    readonly: flag,
    /** Options of mount(8) (`size=64m`, `mode=1777`, `exec`); defaults stand in spec/mounts.ts. */
    options: v.array(text),
  }),
]);

export const NETWORK_ATTACHMENT = v.object({
  /** The network's name; `bridge` is the default one. */
  network: text,
  aliases: v.array(text),
  ipv4Address: maybe(text),
  ipv6Address: maybe(text),
  macAddress: maybe(text),
  driverOptions: v.record(text, text),
});

/** PublishedPort of src/network/ports.ts. */
export const PORT = v.object({
  protocol: v.picklist(['tcp', 'udp', 'sctp']),
  hostAddress: maybe(text),
  hostPort: uint,
  containerPort: uint,
  count: uint,
});

const DEVICE_RATE = v.array(v.object({ path: absolutePath, rate: uint }));

/** What `update` can change while the container is there. Absent: not limited. */
export const RESOURCES = v.object({
  memoryBytes: maybe(uint),
  memoryReservationBytes: maybe(uint),
  /** Memory and swap together; -1: as much swap as there is. */
  memorySwapBytes: maybe(int),
  memorySwappiness: maybe(uint),
  oomKillDisable: maybe(flag),
  /** Billionths of a CPU's time. Not together with quota and period. */
  nanoCpus: maybe(uint),
  cpuPeriodUs: maybe(uint),
  cpuQuotaUs: maybe(int),
  cpuRealtimePeriodUs: maybe(uint),
  cpuRealtimeRuntimeUs: maybe(uint),
  cpuShares: maybe(uint),
  /** `0-3,5` */
  cpusetCpus: maybe(text),
  cpusetMems: maybe(text),
  /** -1: unlimited. */
  pidsLimit: maybe(int),
  /** 10 to 1000. */
  blkioWeight: maybe(uint),
  blkioWeightDevices: maybe(v.array(v.object({ path: absolutePath, weight: uint }))),
  deviceReadBps: maybe(DEVICE_RATE),
  deviceWriteBps: maybe(DEVICE_RATE),
  deviceReadIops: maybe(DEVICE_RATE),
  deviceWriteIops: maybe(DEVICE_RATE),
});

export const RESTART_POLICY = v.object({
  name: v.picklist(['no', 'always', 'unless-stopped', 'on-failure']),
  /** Of `on-failure`; 0 is without a limit. */
  maximumRetryCount: uint,
});

export type DefinedMount = v.InferOutput<typeof MOUNT>;
export type NetworkAttachment = v.InferOutput<typeof NETWORK_ATTACHMENT>;
export type ContainerResources = v.InferOutput<typeof RESOURCES>;
export type RestartPolicy = v.InferOutput<typeof RESTART_POLICY>;

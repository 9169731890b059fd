/**
 * A container as it was asked for, with what its image says put in: what `create` writes down and `start` reads, and what never
 * changes afterwards but by `rename` and `update`. Everything that depends on the moment of the start (ids of users, addresses,
 * what the machine has) is resolved then; see spec/oci-config.ts. Meanings are docker's (its API's Config and HostConfig).
 */
import * as v from 'valibot';
import { VlabError } from '../../base/errors.js';
import { MOUNT, NETWORK_ATTACHMENT, PORT, RESOURCES, RESTART_POLICY } from './definition-parts.js';

export const DEFINITION_VERSION = 1;

const text = v.string();
const texts = v.array(text);
const flag = v.boolean();
const uint = v.pipe(v.number(), v.integer(), v.minValue(0));
const maybe = v.exactOptional;
const textMap = v.record(text, text);
const absolutePath = v.pipe(text, v.startsWith('/'));

/** 64 hexadecimal digits. */
const ID = v.pipe(text, v.regex(/^[0-9a-f]{64}$/));
const DIGEST = v.custom<`${'sha256' | 'sha512'}:${string}`>((value) => /^sha(256|512):[0-9a-f]+$/.test(String(value)));

/** A namespace: one of its own, the host's, or another container's (its full id). */
const sharing = <const T extends string>(...words: T[]) =>
  v.custom<T | `container:${string}`>(
    (value) => words.includes(value as T) || /^container:[0-9a-f]{64}$/.test(String(value)),
    `is none of ${words.join(', ')} and container:ID`,
  );

const IMAGE = v.object({
  kind: v.literal('image'),
  /** As it was asked for: `busybox`. */
  asked: text,
  /** The full name, `docker.io/library/busybox:latest`; absent where it was asked for by id. */
  reference: maybe(text),
  /** Digest of the image's configuration. */
  id: DIGEST,
  manifestDigest: DIGEST,
  /** `linux/amd64` */
  platform: maybe(text),
});

const DIRECTORY = v.object({
  kind: v.literal('directory'),
  /** Of the host. It is used as it is, without a layer over it. */
  path: absolutePath,
});

const HEALTH_CHECK = v.object({
  /** `['CMD', ...args]` or `['CMD-SHELL', line]`; who has none has no health check. */
  test: v.pipe(texts, v.minLength(2)),
  intervalMs: uint,
  timeoutMs: uint,
  startPeriodMs: uint,
  startIntervalMs: uint,
  retries: uint,
});

const LOG = v.object({
  driver: v.picklist(['json-file', 'local', 'none']),
  /** Absent: it grows without a limit. */
  maxSizeBytes: maybe(uint),
  /** How many files there are at most, the current one among them. */
  maxFiles: uint,
  /** As they were given, for `inspect`. */
  options: textMap,
});

const DEVICE = v.object({
  /** A node of the host, or a directory of nodes. */
  source: absolutePath,
  destination: absolutePath,
  /** Letters of `rwm`. */
  access: text,
});

const DEVICE_RULE = v.object({
  type: v.picklist(['a', 'b', 'c']),
  /** Absent: each. */
  major: maybe(uint),
  minor: maybe(uint),
  access: text,
});

/** `default`, `unconfined`, or a profile (docker's form or linux.seccomp of config-linux.md) as JSON text. */
const SECCOMP = v.variant('kind', [
  v.object({ kind: v.picklist(['default', 'unconfined']) }),
  v.object({ kind: v.literal('profile'), profile: text }),
]);

const SECURITY = v.object({
  privileged: flag,
  /** As given (`NET_ADMIN`, `CAP_NET_ADMIN`, `ALL`); what comes of them: spec/capabilities.ts. */
  capAdd: texts,
  capDrop: texts,
  noNewPrivileges: flag,
  seccomp: SECCOMP,
  /** False by `--security-opt systempaths=unconfined`. */
  maskPaths: flag,
  /** As given, for `inspect`. */
  options: texts,
});

const NETWORK = v.object({
  /** `networks`: those of `attachments`. */
  mode: sharing('none', 'host', 'networks'),
  /** In this order; the first has the default route. Devices: eth0, eth1, … */
  attachments: v.array(NETWORK_ATTACHMENT),
  publish: v.array(PORT),
  /** Each exposed port is published on one that is free. */
  publishAll: flag,
  /** `80/tcp`, of the image and of `--expose`. */
  exposed: texts,
  dns: texts,
  dnsSearch: texts,
  dnsOptions: texts,
  /** `--add-host`; an address `host-gateway` is the host's on the container's network. */
  extraHosts: v.array(v.object({ name: text, address: text })),
});

const NAMESPACES = v.object({
  pid: sharing('private', 'host'),
  /** `shareable`: other containers may join it; `none`: private, without /dev/shm. */
  ipc: sharing('private', 'shareable', 'none', 'host'),
  uts: v.picklist(['private', 'host']),
  cgroup: v.picklist(['private', 'host']),
  /** `host`: the user namespace of vlab itself. `private`: one of its own (always so without root). */
  user: v.picklist(['private', 'host']),
});

export const DEFINITION = v.object({
  version: v.literal(DEFINITION_VERSION),
  id: ID,
  /** When it was made; `rename` changes the record's, not this one. */
  name: text,
  /** RFC 3339. */
  createdAt: text,
  root: v.variant('kind', [IMAGE, DIRECTORY]),
  /** It boots an init (src/container/config/system-config.ts). */
  system: flag,

  /** Absent: there is none (no entrypoint, or an image without a command). */
  entrypoint: maybe(texts),
  command: maybe(texts),
  /** What is executed: both of them, with what `--init` adds left out. At least one word. */
  args: v.pipe(texts, v.minLength(1)),
  /** `NAME=VALUE`, each name once: what was asked for, then the image's. What every container has (PATH, HOSTNAME) is added at start. */
  env: texts,
  /** `''`, `1000`, `name:group`, …: resolved at start by the image's /etc/passwd and /etc/group. */
  user: text,
  /** Groups beyond those of /etc/group, by name or number. */
  groupAdd: texts,
  /** Made where the image has no such directory. */
  cwd: absolutePath,
  hostname: text,
  domainname: maybe(text),
  tty: flag,
  openStdin: flag,
  /** Standard input ends with the first client that was attached. */
  stdinOnce: flag,
  /** What `run` in the foreground shows. */
  attach: v.object({ stdin: flag, stdout: flag, stderr: flag }),
  labels: textMap,
  annotations: textMap,
  stopSignal: text,
  /** Absent: 10 s. Negative: without an end. */
  stopTimeoutS: maybe(v.pipe(v.number(), v.integer())),
  healthCheck: maybe(HEALTH_CHECK),

  mounts: v.array(MOUNT),
  network: NETWORK,
  namespaces: NAMESPACES,
  security: SECURITY,
  devices: v.array(DEVICE),
  deviceRules: v.array(DEVICE_RULE),
  sysctls: textMap,
  ulimits: v.array(v.object({ name: text, soft: v.number(), hard: v.number() })),
  /** Of /dev/shm. */
  shmSizeBytes: uint,
  oomScoreAdj: maybe(v.pipe(v.number(), v.integer(), v.minValue(-1000), v.maxValue(1000))),
  /** Where its cgroup lies, in place of vlab's own directory. */
  cgroupParent: maybe(text),
  readonlyRoot: flag,
  /** `--storage-opt size=`: the most that its own layer may hold. */
  storageSizeBytes: maybe(uint),
  init: flag,
  log: LOG,
  autoRemove: flag,
  /** These two `update` may change: the record's count where it has them. */
  resources: RESOURCES,
  restart: RESTART_POLICY,
});

export type ContainerDefinition = v.InferOutput<typeof DEFINITION>;
export type HealthCheck = v.InferOutput<typeof HEALTH_CHECK>;
export type LogOptions = v.InferOutput<typeof LOG>;
export type DefinedDevice = v.InferOutput<typeof DEVICE>;
export type DefinedDeviceRule = v.InferOutput<typeof DEVICE_RULE>;
export type DefinedSecurity = v.InferOutput<typeof SECURITY>;
export type DefinedNetwork = v.InferOutput<typeof NETWORK>;
export type DefinedRoot = ContainerDefinition['root'];

/** The container whose namespace is joined, if one is: by its full id, or by what somebody wrote. */
export function joinedContainer(mode: string): string | undefined {
  return mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

/** A stored definition. `name`: what the text is, for the message. Error (`operation`): it is none, or of a newer vlab. */
export function parseDefinition(stored: string, name: string): ContainerDefinition {
  let value: unknown;
  try {
    value = JSON.parse(stored);
  } catch (cause) {
    throw new VlabError('operation', `${name} is no JSON`, { cause });
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > DEFINITION_VERSION) {
    throw new VlabError('operation', `${name} was written by a newer vlab (its version is ${version})`, {
      hint: 'use that vlab, or a newer one',
    });
  }
  const checked = v.safeParse(DEFINITION, value, { abortEarly: true });
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  throw new VlabError('operation', `${name}: ${v.getDotPath(issue) ?? 'the document'}: ${issue.message}`);
}

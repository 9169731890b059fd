/**
 * The OCI runtime configuration (runtime-spec 1.2 and what 1.3 added; config.md, config-linux.md) as a schema that checks
 * and types it. Names and meanings are the specification's. A property that is not known here is ignored, as the
 * specification asks of runtimes ("Extensibility"). Whether this machine can do what a valid configuration asks for is
 * decided by the files that compile it.
 */
import * as v from 'valibot';

const uint = v.pipe(v.number(), v.integer(), v.minValue(0));
const uint32 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff));
const int = v.pipe(v.number(), v.integer());
/** All 64 bits: a bigint where a number would be rounded (see parse-config.ts). */
const exact = v.union([v.bigint(), int], 'is no integer');
const uint64 = v.pipe(
  exact,
  v.check((value) => value >= 0 && value < 2n ** 64n, 'is no unsigned 64-bit number'),
);
/** Taken as the same 64 bits when it is negative. */
const bits64 = v.pipe(
  exact,
  v.check((value) => value >= -(2n ** 63n) && value < 2n ** 64n, 'is no 64-bit number'),
);
const int32 = v.pipe(v.number(), v.integer(), v.minValue(-(2 ** 31)), v.maxValue(2 ** 31 - 1));
/** What the kernel takes as a C string: a NUL byte would end it early. */
const string = v.pipe(
  v.string(),
  v.check((text) => !text.includes('\0'), 'holds a NUL byte'),
);
const strings = v.array(string);
/** PATH_MAX of limits.h counts the NUL at the end. What has more bytes is no path to the kernel, and takes long to think about. */
const path = v.pipe(
  string,
  v.check((text) => Buffer.byteLength(text) < 4096, 'is longer than a path can be, which is 4095 bytes'),
);
const absolutePath = v.pipe(
  path,
  v.check((text) => text.startsWith('/'), 'is no absolute path'),
);
/** v.record would take a list, by its indices. */
const anyMap = v.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'is no map',
);
const mapOf = <T extends v.GenericSchema>(value: T) => v.pipe(anyMap, v.record(string, value));
const stringMap = mapOf(string);
const annotations = v.pipe(anyMap, v.record(v.pipe(string, v.nonEmpty('an annotation has no name')), string));
const maybe = v.exactOptional;

export const CAPABILITY_SETS = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const;
export type CapabilitySet = (typeof CAPABILITY_SETS)[number];

const USER = v.object({
  uid: maybe(uint32, 0),
  gid: maybe(uint32, 0),
  umask: maybe(v.pipe(uint, v.maxValue(0o777))),
  additionalGids: maybe(v.array(uint32)),
});

const SCHEDULER = v.object({
  policy: v.picklist([
    ...(['SCHED_OTHER', 'SCHED_FIFO', 'SCHED_RR', 'SCHED_BATCH', 'SCHED_ISO'] as const),
    ...(['SCHED_IDLE', 'SCHED_DEADLINE'] as const),
  ]),
  nice: maybe(int32),
  priority: maybe(int32),
  flags: maybe(
    v.array(
      v.picklist([
        ...(['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM', 'SCHED_FLAG_DL_OVERRUN'] as const),
        ...(['SCHED_FLAG_KEEP_POLICY', 'SCHED_FLAG_KEEP_PARAMS'] as const),
        ...(['SCHED_FLAG_UTIL_CLAMP_MIN', 'SCHED_FLAG_UTIL_CLAMP_MAX'] as const),
      ]),
    ),
  ),
  runtime: maybe(uint),
  deadline: maybe(uint),
  period: maybe(uint),
});

export const PROCESS = v.object({
  terminal: maybe(v.boolean()),
  consoleSize: maybe(v.object({ height: uint, width: uint })),
  user: maybe(USER, {}),
  args: maybe(strings, []),
  env: maybe(strings, []),
  cwd: absolutePath,
  capabilities: maybe(v.object(v.entriesFromList(CAPABILITY_SETS, maybe(strings, [])))),
  rlimits: maybe(v.array(v.object({ type: string, soft: uint64, hard: uint64 }))),
  noNewPrivileges: maybe(v.boolean()),
  apparmorProfile: maybe(string),
  selinuxLabel: maybe(string),
  oomScoreAdj: maybe(v.pipe(int, v.minValue(-1000), v.maxValue(1000))),
  scheduler: maybe(SCHEDULER),
  ioPriority: maybe(
    v.object({
      class: v.picklist(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE']),
      priority: maybe(int32, 0),
    }),
  ),
  execCPUAffinity: maybe(v.object({ initial: maybe(string), final: maybe(string) })),
});

const ID_MAPPING = v.object({ containerID: uint32, hostID: uint32, size: uint32 });

const MOUNT = v.object({
  destination: path,
  type: maybe(string),
  source: maybe(path),
  options: maybe(strings, []),
  uidMappings: maybe(v.array(ID_MAPPING)),
  gidMappings: maybe(v.array(ID_MAPPING)),
});

const HOOK = v.object({
  path: absolutePath,
  args: maybe(strings),
  env: maybe(strings),
  timeout: maybe(v.pipe(int, v.minValue(1))),
});
const HOOK_LIST = maybe(v.array(HOOK));
export const HOOK_NAMES = [
  ...(['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const),
] as const;
export type HookName = (typeof HOOK_NAMES)[number];

export const NAMESPACE_TYPES = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;
export type OciNamespaceType = (typeof NAMESPACE_TYPES)[number];

const DEVICE = v.object({
  path: absolutePath,
  type: v.picklist(['c', 'b', 'u', 'p']),
  major: maybe(int),
  minor: maybe(int),
  fileMode: maybe(uint),
  uid: maybe(uint32),
  gid: maybe(uint32),
});

const DEVICE_RULE = v.object({
  allow: v.boolean(),
  type: maybe(v.picklist(['a', 'c', 'b'])),
  /** -1 and absent: every number. */
  major: maybe(int),
  minor: maybe(int),
  access: maybe(v.pipe(string, v.regex(/^[rwm]*$/, 'holds other letters than r, w and m'))),
});

const THROTTLES = maybe(v.array(v.object({ major: int, minor: int, rate: uint })));

export const RESOURCES = v.object({
  devices: maybe(v.array(DEVICE_RULE)),
  memory: maybe(
    v.object({
      limit: maybe(int),
      reservation: maybe(int),
      swap: maybe(int),
      kernel: maybe(int),
      kernelTCP: maybe(int),
      swappiness: maybe(uint),
      disableOOMKiller: maybe(v.boolean()),
      useHierarchy: maybe(v.boolean()),
      checkBeforeUpdate: maybe(v.boolean()),
    }),
  ),
  cpu: maybe(
    v.object({
      shares: maybe(uint),
      quota: maybe(int),
      burst: maybe(uint),
      period: maybe(uint),
      realtimeRuntime: maybe(int),
      realtimePeriod: maybe(uint),
      cpus: maybe(string),
      mems: maybe(string),
      idle: maybe(int),
    }),
  ),
  pids: maybe(v.object({ limit: maybe(int) })),
  blockIO: maybe(
    v.object({
      weight: maybe(uint),
      leafWeight: maybe(uint),
      weightDevice: maybe(v.array(v.object({ major: int, minor: int, weight: maybe(uint), leafWeight: maybe(uint) }))),
      throttleReadBpsDevice: THROTTLES,
      throttleWriteBpsDevice: THROTTLES,
      throttleReadIOPSDevice: THROTTLES,
      throttleWriteIOPSDevice: THROTTLES,
    }),
  ),
  hugepageLimits: maybe(
    v.array(
      v.object({ pageSize: v.pipe(string, v.regex(/^[1-9][0-9]*[KMG]B$/, 'is no page size like 2MB')), limit: uint }),
    ),
  ),
  network: maybe(
    v.object({
      classID: maybe(uint32),
      priorities: maybe(v.array(v.object({ name: string, priority: uint32 }))),
    }),
  ),
  rdma: maybe(mapOf(v.object({ hcaHandles: maybe(uint32), hcaObjects: maybe(uint32) }))),
  unified: maybe(stringMap),
});

export const SECCOMP_ACTIONS = [
  ...(['SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_TRAP', 'SCMP_ACT_ERRNO'] as const),
  ...(['SCMP_ACT_TRACE', 'SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_NOTIFY'] as const),
] as const;
export const SECCOMP_OPERATORS = [
  ...(['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT'] as const),
  'SCMP_CMP_MASKED_EQ',
] as const;

export const SECCOMP = v.object({
  defaultAction: v.picklist(SECCOMP_ACTIONS),
  defaultErrnoRet: maybe(uint32),
  /** Names that this libseccomp does not know are told with the path of the entry. */
  architectures: maybe(strings),
  flags: maybe(strings),
  listenerPath: maybe(path),
  listenerMetadata: maybe(string),
  syscalls: maybe(
    v.array(
      v.object({
        names: v.pipe(strings, v.minLength(1)),
        action: v.picklist(SECCOMP_ACTIONS),
        errnoRet: maybe(uint32),
        args: maybe(
          v.array(
            v.object({
              index: v.pipe(uint, v.maxValue(5)),
              value: bits64,
              valueTwo: maybe(bits64),
              op: v.picklist(SECCOMP_OPERATORS),
            }),
          ),
        ),
      }),
    ),
  ),
});

export const PROPAGATIONS = ['shared', 'slave', 'private', 'unbindable'] as const;

const LINUX = v.object({
  namespaces: maybe(v.array(v.object({ type: v.picklist(NAMESPACE_TYPES), path: maybe(absolutePath) })), []),
  uidMappings: maybe(v.array(ID_MAPPING)),
  gidMappings: maybe(v.array(ID_MAPPING)),
  timeOffsets: maybe(
    v.record(v.picklist(['monotonic', 'boottime']), v.object({ secs: maybe(int), nanosecs: maybe(uint32) })),
  ),
  devices: maybe(v.array(DEVICE), []),
  netDevices: maybe(mapOf(v.object({ name: maybe(string) }))),
  cgroupsPath: maybe(path),
  resources: maybe(RESOURCES, {}),
  rootfsPropagation: maybe(
    v.picklist(['', ...PROPAGATIONS, ...PROPAGATIONS.map((one) => `r${one}` as `r${typeof one}`)]),
  ),
  seccomp: maybe(SECCOMP),
  sysctl: maybe(stringMap),
  maskedPaths: maybe(v.array(absolutePath), []),
  readonlyPaths: maybe(v.array(absolutePath), []),
  mountLabel: maybe(string),
  personality: maybe(
    v.object({
      domain: v.picklist(['LINUX', 'LINUX32']),
      /** "Currently no flag values are supported." */
      flags: maybe(v.pipe(strings, v.maxLength(0, 'there is no flag that could be set'))),
    }),
  ),
  intelRdt: maybe(
    v.object({
      closID: maybe(string),
      schemata: maybe(strings),
      l3CacheSchema: maybe(string),
      memBwSchema: maybe(string),
      enableMonitoring: maybe(v.boolean()),
    }),
  ),
  memoryPolicy: maybe(v.object({ mode: string, nodes: maybe(string), flags: maybe(strings) })),
});

export const CONFIG = v.object({
  ociVersion: v.pipe(string, v.regex(/^1\.\d+\.\d+/, 'is no version 1 of the runtime specification')),
  root: v.object({ path, readonly: maybe(v.boolean()) }),
  mounts: maybe(v.array(MOUNT), []),
  /** Only `start` needs it; without one there are no args. */
  process: maybe(PROCESS, { cwd: '/' }),
  hostname: maybe(string),
  domainname: maybe(string),
  hooks: maybe(v.object(v.entriesFromList(HOOK_NAMES, HOOK_LIST))),
  annotations: maybe(annotations),
  linux: maybe(LINUX, {}),
});

export type OciConfig = v.InferOutput<typeof CONFIG>;
export type OciProcess = v.InferOutput<typeof PROCESS>;
export type OciUser = v.InferOutput<typeof USER>;
export type OciMount = v.InferOutput<typeof MOUNT>;
export type OciHook = v.InferOutput<typeof HOOK>;
export type OciLinux = v.InferOutput<typeof LINUX>;
export type OciResources = v.InferOutput<typeof RESOURCES>;
export type OciDevice = v.InferOutput<typeof DEVICE>;
export type OciDeviceRule = v.InferOutput<typeof DEVICE_RULE>;
export type OciIdMapping = v.InferOutput<typeof ID_MAPPING>;
export type OciSeccomp = v.InferOutput<typeof SECCOMP>;
export type OciScheduler = v.InferOutput<typeof SCHEDULER>;

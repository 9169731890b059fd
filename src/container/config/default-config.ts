/** What a container is when nobody says otherwise: docker's defaults, written as an OCI configuration. Pure. */
import { DEFAULT_CAPABILITIES } from './capabilities.js';
import type { OciConfig, OciDevice, OciDeviceRule, OciMount, OciNamespaceType, OciSeccomp } from './schema.js';

export interface ContainerRequest {
  id: string;
  rootfs: string;
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd?: string;
  hostname?: string;
  terminal?: boolean;
  readonlyRoot?: boolean;
  memoryBytes?: number;
  /** CPUs' worth of time. */
  cpus?: number;
  pids?: number;
  /** A program of the host that becomes the first process and runs the command: a reaper such as catatonit, statically linked. */
  init?: string;
  /** Which system calls there are; absent: all of them. `defaultSeccomp` is what docker lets a container have. */
  seccomp?: OciSeccomp;
  /** Present without root: the ids that become 0 inside. */
  rootless?: { uid: number; gid: number };
}

const NAMESPACES: OciNamespaceType[] = ['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup'];
const CPU_PERIOD_US = 100_000;

export function defaultConfig(request: ContainerRequest): OciConfig {
  const capabilities = {
    bounding: DEFAULT_CAPABILITIES,
    effective: DEFAULT_CAPABILITIES,
    permitted: DEFAULT_CAPABILITIES,
  };
  const { rootless } = request;
  return {
    ociVersion: '1.2.0',
    process: {
      ...(request.terminal ? { terminal: true } : {}),
      user: { uid: 0, gid: 0, umask: 0o022 },
      args: [...(request.init === undefined ? [] : [INIT_PATH, '--']), ...request.command],
      env: Object.entries(environment(request)).map(([name, value]) => `${name}=${value}`),
      cwd: request.cwd ?? '/',
      capabilities: { ...capabilities, inheritable: [], ambient: [] },
      noNewPrivileges: true,
    },
    root: { path: request.rootfs, ...(request.readonlyRoot ? { readonly: true } : {}) },
    hostname: request.hostname ?? request.id.slice(0, 12),
    mounts: [...defaultMounts(rootless !== undefined), ...initMount(request.init)],
    linux: {
      namespaces: [...NAMESPACES, ...(rootless ? (['user'] as const) : [])].map((type) => ({ type })),
      ...(rootless
        ? {
            uidMappings: [{ containerID: 0, hostID: rootless.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: rootless.gid, size: 1 }],
          }
        : {}),
      devices: DEFAULT_DEVICES,
      // Without root it is below what was delegated, wherever that is.
      cgroupsPath: rootless ? request.id : `/vlab/${request.id}`,
      resources: {
        devices: DEFAULT_DEVICE_RULES,
        ...(request.memoryBytes === undefined ? {} : { memory: { limit: request.memoryBytes } }),
        ...(request.cpus === undefined
          ? {}
          : { cpu: { quota: Math.round(request.cpus * CPU_PERIOD_US), period: CPU_PERIOD_US } }),
        ...(request.pids === undefined ? {} : { pids: { limit: request.pids } }),
      },
      rootfsPropagation: 'rprivate',
      ...(request.seccomp ? { seccomp: request.seccomp } : {}),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
}

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function environment(request: ContainerRequest): Record<string, string> {
  return {
    PATH: DEFAULT_PATH,
    HOSTNAME: request.hostname ?? request.id.slice(0, 12),
    ...(request.terminal ? { TERM: 'xterm' } : {}),
    HOME: '/root',
    ...request.env,
  };
}

/**
 * config-linux.md, "Default Filesystems", with docker's sizes and flags. The cgroup file system, which docker has too, is left
 * to who asks for it: on version 1 it is eight or nine calls for each hierarchy, more than a tenth of a start (225 steps to 182,
 * 2.0 ms to 1.8), and what it would show is in /proc/self/cgroup and in no program's way. A configuration may have it.
 */
export function defaultMounts(rootless: boolean, shmSizeBytes = 65_536 * 1024): OciMount[] {
  const safe = ['nosuid', 'noexec', 'nodev'];
  const ptsGroup = rootless ? [] : ['gid=5']; // tty; not mapped into a single-id user namespace
  return [
    { destination: '/proc', type: 'proc', options: safe },
    { destination: '/sys', type: 'sysfs', options: [...safe, 'ro'] },
    { destination: '/dev', type: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...ptsGroup],
    },
    { destination: '/dev/shm', type: 'tmpfs', options: [...safe, 'mode=1777', `size=${shmSizeBytes / 1024}k`] },
    { destination: '/dev/mqueue', type: 'mqueue', options: safe },
  ];
}

/** In a directory that is never the image's, so that nothing is left in it. */
export const INIT_PATH = '/dev/init';

/** Read-only: the program could open its first process's executable by /proc/1/exe (CVE-2019-5736). */
export function initMount(init: string | undefined): OciMount[] {
  const options = ['bind', 'ro', 'nosuid', 'nodev'];
  return init === undefined ? [] : [{ destination: INIT_PATH, type: 'bind', source: init, options }];
}

function device(path: string, major: number, minor: number): OciDevice & { major: number; minor: number } {
  return { path, type: 'c', major, minor, fileMode: 0o666 };
}

/** config-linux.md, "Default Devices"; /dev/console only with a terminal, /dev/ptmx is a link into /dev/pts. */
export const DEFAULT_DEVICES = [
  device('/dev/null', 1, 3),
  device('/dev/zero', 1, 5),
  device('/dev/full', 1, 7),
  device('/dev/random', 1, 8),
  device('/dev/urandom', 1, 9),
  device('/dev/tty', 5, 0),
];

/** Nothing but what every container may: making nodes, which opens nothing, the default devices and the pseudo-terminals. */
export const DEFAULT_DEVICE_RULES: OciDeviceRule[] = [{ allow: false, type: 'a', access: 'rwm' }];

/** Kernel interfaces without a namespace of their own, which would show or change the host; docker's list. */
export const MASKED_PATHS = [
  ...['/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats'],
  ...['/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi'],
  ...['/sys/firmware', '/sys/devices/virtual/powercap'],
];
export const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Configurations as the tests write them: a sound one, and what is changed in it by path. */
import type { OrdinaryUser } from './ordinary-user.js';

export interface Mount {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
  uidMappings?: unknown[];
  gidMappings?: unknown[];
}

/** Only what the tests read back. */
export interface Config {
  ociVersion: string;
  root: { path: string; readonly?: boolean };
  process: { args: string[]; cwd: string; [name: string]: unknown };
  mounts: Mount[];
  linux: { namespaces: { type: string; path?: string }[]; cgroupsPath?: string; [name: string]: unknown };
  [name: string]: unknown;
}

/**
 * What to change, by path: `'process.cwd': '/tmp'` sets, `'mounts+': mount` appends, `'mounts++': [mount]` appends all,
 * undefined removes. Names with dots (sysctl) are set with the object that holds them.
 */
export type Change = Readonly<Record<string, unknown>>;

/** Small, and quick to start; as the runtimes' own `spec` would write it, without a network namespace. */
export function soundConfig(ociVersion: string, cgroupsPath: string, args: string[]): Config {
  return {
    ociVersion,
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin:/'],
      cwd: '/',
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=64k'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      cgroupsPath,
    },
  };
}

/**
 * As an ordinary user needs it: with a user namespace, whatever others a test asks for, and with the host's /sys where the network
 * is the host's.
 */
export function rootlessConfig(config: Config, { id, range }: OrdinaryUser): Config {
  const { namespaces } = config.linux;
  const users = namespaces.filter(({ type }) => type === 'user');
  const own = users.slice(-1).concat(users.length === 0 ? [{ type: 'user' }] : []);
  const mappings = [
    { containerID: 0, hostID: id, size: 1 },
    { containerID: 1, hostID: range.first, size: 65_536 },
  ];
  const hostsNetwork = !namespaces.some(({ type }) => type === 'network');
  const hostsSys = { type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] };
  return {
    ...config,
    // A test may have put anything in their place.
    mounts: !Array.isArray(config.mounts)
      ? config.mounts
      : config.mounts.map((mount) => (mount.type === 'sysfs' && hostsNetwork ? { ...mount, ...hostsSys } : mount)),
    linux: {
      ...(users.length === 0 ? { uidMappings: mappings, gidMappings: mappings } : {}),
      ...config.linux,
      namespaces: [...namespaces.filter(({ type }) => type !== 'user'), ...own],
    },
  };
}

export function changed(config: Config, change: Change): Config {
  const made = structuredClone(config);
  for (const [path, value] of Object.entries(change)) apply(made, path, value);
  return made;
}

function apply(config: Config, path: string, value: unknown): void {
  const [, bare = '', appends] = /^(.*?)(\+{0,2})$/.exec(path) ?? [];
  const names = bare.split('.');
  const last = names.pop() ?? '';
  let at = config as Record<string, unknown>;
  for (const name of names) {
    at[name] ??= {};
    at = at[name] as Record<string, unknown>;
  }
  if (appends) at[last] = ((at[last] as unknown[] | undefined) ?? []).concat(appends === '++' ? value : [value]);
  else if (value === undefined) delete at[last];
  else at[last] = value;
}

// Definitions of many kinds as OCI configurations. The whole of two of them stands in golden/; of the others what is special.
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../../../../src/container/config/capabilities.js';
import { parseConfig } from '../../../../src/container/config/parse-config.js';
import { CONFIG } from '../../../../src/container/config/schema.js';
import type { AskedContainer } from '../../../../src/engine/define/asked-container.js';
import type { SpecFacts } from '../../../../src/engine/spec/facts.js';
import { ociConfigOf } from '../../../../src/engine/spec/oci-config.js';
import { define, facts, ID, OTHER_ID } from './definitions.js';

const config = (asked: Partial<AskedContainer> = {}, more: Partial<SpecFacts> = {}, context = {}) =>
  ociConfigOf(define(asked, {}, context).definition, facts(more));
const places = ({ mounts }: ReturnType<typeof config>) => mounts.map(({ destination }) => destination);
const at = ({ mounts }: ReturnType<typeof config>, place: string) => mounts.find((one) => one.destination === place);
const security = (more: object) => ({ security: { ...define().definition.security, ...more } });
const namespaces = (more: object) => ({ namespaces: { ...define().definition.namespaces, ...more } });

const MIXED: Partial<AskedContainer> = {
  ...{ command: ['server', '-x'], env: ['A=1', 'PATH=/own'], hostname: 'h', domainname: 'example.org', tty: true },
  ...{ readonlyRoot: true, init: true, oomScoreAdj: -5, sysctls: { 'net.core.somaxconn': '64' } },
  ulimits: [{ name: 'nofile', soft: 64, hard: -1 }],
  ...security({ capAdd: ['net_admin'], capDrop: ['ALL'], noNewPrivileges: true }),
  resources: { memoryBytes: 1e8, nanoCpus: 15e8, pidsLimit: 9, cpusetCpus: '0', blkioWeight: 300 },
  mounts: [
    { kind: 'tmpfs', origin: 'tmpfs', destination: '/tmp/deep', readonly: false, options: ['size=1m', 'exec'] },
    {
      ...{ kind: 'bind', origin: 'volume', source: '/host', destination: '/etc/hosts', readonly: true },
      ...{ propagation: 'rslave', recursive: true, readonlyRecursive: true, createSource: true },
    },
    {
      ...{ kind: 'volume', origin: 'mount', name: 'v', anonymous: false, destination: '/data', readonly: false },
      ...{ copyUp: true, driver: 'local', driverOptions: {}, labels: {} },
    },
  ],
};

it.each([
  ['plain', config()],
  [
    'mixed',
    config(MIXED, {
      initPath: '/usr/bin/catatonit',
      volumePaths: new Map([['v', '/volumes/v']]),
      devices: [{ device: { path: '/dev/fuse', type: 'c', major: 10, minor: 229 }, access: 'rw' }],
    }),
  ],
])('%s', async (name, made) => {
  const text = JSON.stringify(made, (_, value) => (typeof value === 'bigint' ? `${value}` : value), 2);
  await expect(`${text}\n`).toMatchFileSnapshot(`golden/${name}.json`);
  expect(v.safeParse(CONFIG, made).issues).toBeUndefined();
});

it('a limit of 64 bits is still one when it is read back from JSON', () => {
  const made = config({ ulimits: [{ name: 'core', soft: 0, hard: -1 }] });
  const text = JSON.stringify(made, (_, value) => (typeof value === 'bigint' ? '@' : value)).replace(
    '"@"',
    String((1n << 64n) - 1n),
  );
  expect(parseConfig(text).process.rlimits).toEqual([{ type: 'RLIMIT_CORE', soft: 0, hard: (1n << 64n) - 1n }]);
});

describe('the process', () => {
  it('has the variables of docker, of which those that were asked for count', () => {
    expect(config({ env: ['HOSTNAME=x', 'HOME=/h', 'B=2'] }).process.env).toEqual([
      ...['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOSTNAME=x', 'HOME=/h', 'B=2'],
    ]);
  });

  it('of another user has its capabilities in the bounding set only', () => {
    const { process } = config({}, { user: { uid: 33, gid: 33, additionalGids: [33, 5], home: '/w' } });
    expect(process.user).toEqual({ uid: 33, gid: 33, umask: 0o022, additionalGids: [33, 5] });
    expect(process.capabilities).toMatchObject({ effective: [], permitted: [] });
    expect(process.capabilities?.bounding?.toSorted()).toEqual(DEFAULT_CAPABILITIES.toSorted());
  });

  it.each([
    [{ capDrop: ['all'] }, []],
    [{ capAdd: ['ALL'], capDrop: ['CAP_SYS_ADMIN'] }, CAPABILITIES.filter((name) => name !== 'CAP_SYS_ADMIN')],
    [{ capAdd: ['SYS_TIME'], capDrop: ['ALL'] }, ['CAP_SYS_TIME']],
    [{ privileged: true, capDrop: ['ALL'] }, [...CAPABILITIES]],
  ])('%j', (asked, capabilities) => {
    expect(config(security(asked)).process.capabilities?.effective).toEqual(capabilities);
  });

  it('refuses a capability that is none', () => {
    expect(() => config(security({ capAdd: ['NET_MAGIC'] }))).toThrow('invalid capability: "NET_MAGIC"');
  });

  it('of a directory cannot gain privileges unless somebody says so, of an image it can, as docker’s', () => {
    const directory = { root: { kind: 'directory', path: '/r' } };
    expect(config({}, {}, directory).process.noNewPrivileges).toBe(true);
    expect(config(security({ noNewPrivileges: false }), {}, directory).process.noNewPrivileges).toBe(false);
    expect(ociConfigOf(define().definition, facts()).process.noNewPrivileges).toBe(false);
  });
});

describe('system calls', () => {
  const names = (made: ReturnType<typeof config>) => made.linux.seccomp?.syscalls?.flatMap((rule) => rule.names) ?? [];

  it('are those of the capabilities', () => {
    expect(names(config()).includes('mount')).toBe(false);
    expect(names(config(security({ capAdd: ['SYS_ADMIN'] }))).includes('mount')).toBe(true);
  });

  it.each([[{ seccomp: { kind: 'unconfined' } }], [{ privileged: true }]])('are all there with %j', (asked) => {
    expect(config(security(asked)).linux.seccomp).toBeUndefined();
  });

  it('are those of a profile of docker’s form, for these capabilities and this architecture', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [
        { names: ['read'], action: 'SCMP_ACT_ALLOW', comment: 'x' },
        { name: 'write', action: 'SCMP_ACT_ALLOW' },
        { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
        { names: ['arch_prctl'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['amd64', 'x32'] } },
        { names: ['clone'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_CHOWN'] } },
        { names: ['ptrace'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } },
      ],
    };
    const made = config(security({ seccomp: { kind: 'profile', profile: JSON.stringify(profile) } }));
    expect(names(made)).toEqual(['read', 'write', 'arch_prctl', 'ptrace']);
    expect(made.linux.seccomp?.architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
  });

  it.each([
    ['{', 'opening seccomp profile failed'],
    ['{"defaultAction":"SCMP_ACT_NOTIFY"}', 'SCMP_ACT_NOTIFY'],
  ])('are refused where the profile is %s', (profile, message) => {
    expect(() => config(security({ seccomp: { kind: 'profile', profile } }))).toThrow(message);
  });
});

describe('with all privileges', () => {
  const made = config(security({ privileged: true }));
  it('has every device, a writable /sys and cgroups, and no masks', () => {
    expect(made.linux).toMatchObject({
      maskedPaths: [],
      readonlyPaths: [],
      resources: { devices: [{ allow: true, type: 'a' }] },
    });
    expect([at(made, '/sys')?.options, at(made, '/sys/fs/cgroup')?.options]).toEqual([
      ['nosuid', 'noexec', 'nodev', 'rw'],
      ['rw', 'nosuid', 'noexec', 'nodev'],
    ]);
  });
});

describe('mounts', () => {
  it('that were asked for replace those that every container has, and all below /dev with it', () => {
    const own = (destination: string) => ({
      kind: 'tmpfs' as const,
      origin: 'tmpfs' as const,
      destination,
      readonly: false,
      options: [],
    });
    expect(places(config({ mounts: [own('/dev')] })).filter((place) => place.startsWith('/dev'))).toEqual(['/dev']);
    expect(at(config({ mounts: [own('/dev/shm')] }), '/dev/shm')?.options).toContain('rprivate');
  });

  it('come after those that they lie in', () => {
    const own = (destination: string) => ({
      kind: 'tmpfs' as const,
      origin: 'tmpfs' as const,
      destination,
      readonly: false,
      options: [],
    });
    const order = places(config({ mounts: [own('/a/b/c'), own('/a'), own('/a/b')] }));
    expect(order.filter((place) => place.startsWith('/a'))).toEqual(['/a', '/a/b', '/a/b/c']);
  });

  it.each([
    ['private', 'tmpfs', undefined],
    ['host', 'bind', '/dev/shm'],
    ['container:x', 'bind', '/shm/other'],
    ['none', undefined, undefined],
  ])('/dev/shm with --ipc %s', (ipc, type, source) => {
    const shm = at(config(namespaces({ ipc })), '/dev/shm');
    expect([shm?.type, shm?.source]).toEqual([type, source]);
  });

  it('the cgroups are not shown where the root is a directory, nor the ping range changed in a user namespace', () => {
    const made = config({}, { idMaps: { uid: [], gid: [] } }, { root: { kind: 'directory', path: '/r' } });
    expect(places(made)).not.toContain('/sys/fs/cgroup');
    expect(made.linux.sysctl).toEqual({ 'net.ipv4.ip_unprivileged_port_start': '0' });
  });
});

describe('namespaces', () => {
  const types = (made: ReturnType<typeof config>) =>
    made.linux.namespaces.map(({ type, path }) => (path ? `${type} ${path}` : type));

  it('are all its own', () => {
    expect(types(config())).toEqual(['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup']);
  });

  it('are those of another container', () => {
    const network = { ...define().definition.network, mode: 'container:web', attachments: [] };
    const made = config({ ...namespaces({ pid: 'container:web' }), network });
    expect(types(made)).toContain('pid /proc/77/ns/pid');
    expect(types(made)).toContain('network /proc/77/ns/net');
    expect(made.linux.sysctl).toEqual({});
  });

  it('are the host’s, and then it has no name of its own', () => {
    const network = { ...define().definition.network, mode: 'host', attachments: [] };
    const host = { pid: 'host', ipc: 'host', uts: 'host', cgroup: 'host' };
    const made = config({ ...namespaces(host), network });
    expect([types(made), made.hostname]).toEqual([['mount'], undefined]);
  });

  it('must be known', () => {
    expect(() => config(namespaces({ pid: 'container:web' }), { joined: new Map() })).toThrow(OTHER_ID);
  });
});

describe('limits', () => {
  const all = {
    ...{
      memoryBytes: 1e8,
      memoryReservationBytes: 5e7,
      memorySwapBytes: -1,
      memorySwappiness: 10,
      oomKillDisable: true,
    },
    ...{ cpuShares: 512, cpuPeriodUs: 50_000, cpuQuotaUs: 25_000, cpusetMems: '0', pidsLimit: -1 },
    deviceReadBps: [{ path: '/dev/sda', rate: 1000 }],
  };
  const blockDevices = new Map([['/dev/sda', { major: 8, minor: 0 }]]);
  const limitsOf = (cgroupVersion: 1 | 2, more = {}) => {
    const { devices: _, ...rest } = config({ resources: all }, { cgroupVersion, blockDevices, ...more }).linux
      .resources;
    return rest;
  };

  it('of version 1', () => {
    expect(limitsOf(1)).toEqual({
      memory: { limit: 1e8, reservation: 5e7, swap: -1, swappiness: 10, disableOOMKiller: true },
      cpu: { shares: 512, period: 50_000, quota: 25_000, mems: '0' },
      blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] },
    });
  });

  it('of version 2 and of a machine that cannot limit swap are fewer', () => {
    expect(limitsOf(2, { unsupported: new Set(['memorySwapBytes']) }).memory).toEqual({ limit: 1e8, reservation: 5e7 });
  });

  it('lie below a parent that was asked for', () => {
    expect(config({ cgroupParent: 'my/slice/' }).linux.cgroupsPath).toBe(`/my/slice/${ID}`);
    expect(config({}, { rootless: true }).linux.cgroupsPath).toBe(ID);
  });
});

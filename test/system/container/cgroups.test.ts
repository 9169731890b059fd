// Where a container's cgroup is, what is set in it, and that nothing of it stays. Real kernel, root.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { directoryOf, unifiedOf } from '../../../src/container/cgroup/cgroup.js';
import { readControl } from '../../../src/container/cgroup/control-file.js';
import { CGROUP_PARENT, cgroupPlaces } from '../../../src/container/cgroup/places.js';
import { cgroupOf } from '../../../src/container/cgroup/planned-cgroup.js';
import { processesOf } from '../../../src/container/cgroup/processes.js';
import { removeContainerCgroup } from '../../../src/container/cgroup/remove.js';
import type { OciResources } from '../../../src/container/config/schema.js';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { isRoot, needs } from '../../skips.js';
import { OwnContainer, ownConfig, ownSituation } from './own-container.js';
import { ownRootfs, removeRootfs } from './vlab-run.js';

const layout = readCgroupLayout();
const places = isRoot ? cgroupPlaces(layout, true) : [];
const onVersion1 = (name: string) => layout.controllers[name]?.version === 1;
/** Another one for each test: what was seen of parents is remembered for some seconds. */
let id: string;
let tests = 0;
let rootfs: string;

beforeAll(async () => {
  rootfs = await ownRootfs();
});
beforeEach((context) => {
  needs(context, 'root', isRoot);
  id = `vlab-cgtest-${process.pid}-${++tests}`;
});
afterAll(() => removeRootfs(rootfs));

const pathsIn = (below: string) => places.map(({ root }) => join(root, below));
const there = (paths: readonly string[]) => paths.filter((path) => existsSync(path));

/** The cgroups that a process says it is in: hierarchy → path. Version 2 is always named, also where it is not mounted. */
function membershipOf(pid: number): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const mounted = lines.filter((line) => layout.unified || !line.startsWith('0::'));
  return new Map(mounted.map((line) => line.split(':').slice(1) as [string, string]));
}

describe('the place of a container', () => {
  it('is in every hierarchy, below the top for an absolute path; what was made goes, parents too', async () => {
    {
      await using container = await OwnContainer.start({ rootfs, id, cgroupsPath: `/${id}/inner/${id}` });
      expect(there(pathsIn(`${id}/inner/${id}`))).toHaveLength(places.length);
      const membership = membershipOf(container.pid);
      expect([...new Set(membership.values())]).toEqual([`/${id}/inner/${id}`]);
      expect(processesOf(container.cgroup)).toEqual([container.pid]);
    }
    expect(there(pathsIn(id))).toEqual([]);
  });

  it('is below a parent that was there, which stays', async () => {
    for (const path of pathsIn(id)) mkdirSync(path);
    try {
      {
        await using container = await OwnContainer.start({ rootfs, id, cgroupsPath: `/${id}/x` });
        expect([...new Set(membershipOf(container.pid).values())]).toEqual([`/${id}/x`]);
      }
      expect(there(pathsIn(`${id}/x`))).toEqual([]);
      expect(there(pathsIn(id))).toHaveLength(places.length);
    } finally {
      for (const path of there(pathsIn(id))) rmdirSync(path);
    }
  });

  it("is below vlab's own for a relative path and for none, never below the caller's", async () => {
    for (const [cgroupsPath, expected] of [
      [`${id}/../${id}-relative`, `/${CGROUP_PARENT}/${id}-relative`],
      [null, `/${CGROUP_PARENT}/${id}`],
    ] as const) {
      await using container = await OwnContainer.start({ rootfs, id, cgroupsPath });
      expect([...new Set(membershipOf(container.pid).values())]).toEqual([expected]);
    }
    expect(there(pathsIn(`${CGROUP_PARENT}/${id}`))).toEqual([]);
    expect(there(pathsIn(CGROUP_PARENT))).toHaveLength(places.length);
  });

  it('is a root to those in it', async () => {
    const names = [...membershipOf(process.pid).keys()];
    for (const name of names) {
      const ids = readFileSync('/proc/self/cgroup', 'utf8').match(new RegExp(`^(\\d+):${name}:`, 'm'))?.[1];
      const words = ['has-line', '/proc/self/cgroup', `${ids}:${name}:/`];
      await using container = await OwnContainer.start({ rootfs, id, words });
      expect([name, await container.ended()]).toEqual([name, { code: 0 }]);
    }
  });

  it('must be empty: another container in it is refused, an empty directory is taken', async () => {
    {
      await using _first = await OwnContainer.start({ rootfs, id });
      await expect(OwnContainer.start({ rootfs, id })).rejects.toThrow(
        'linux.cgroupsPath names a cgroup that is not empty: 1 process(es) found',
      );
    }
    for (const path of pathsIn(id)) mkdirSync(path);
    await using container = await OwnContainer.start({ rootfs, id });
    expect(there(pathsIn(id))).toHaveLength(places.length);
    expect(processesOf(container.cgroup)).toEqual([container.pid]);
  });

  it('is made once more where the end of a sibling took its parents along', async () => {
    for (const path of pathsIn(id)) mkdirSync(path);
    const situation = ownSituation();
    const config = ownConfig({ rootfs, id, cgroupsPath: `/${id}/late` });
    const planned = cgroupOf(config, id, situation);
    for (const path of pathsIn(id)) rmdirSync(path);
    try {
      await using container = await OwnContainer.startPlanned(config, situation, planned);
      expect([...new Set(membershipOf(container.pid).values())]).toEqual([`/${id}/late`]);
    } finally {
      for (const path of there(pathsIn(id))) rmdirSync(path);
    }
  });

  it('is threaded below a threaded cgroup of version 2, where it can be no other', async (context) => {
    const [unified] = places.filter(({ version }) => version === 2);
    needs(context, 'cgroup v2', unified !== undefined);
    if (!unified) return;
    const parent = join(unified.root, id);
    mkdirSync(parent);
    try {
      writeFileSync(join(parent, 'cgroup.type'), 'threaded');
      await using container = await OwnContainer.start({ rootfs, id, cgroupsPath: `/${id}/x`, places: [unified] });
      expect(readFileSync(join(parent, 'x/cgroup.type'), 'utf8')).toBe('threaded\n');
      expect(membershipOf(container.pid).get('')).toBe(`/${id}/x`);
      expect(processesOf(container.cgroup)).toEqual([container.pid]);
    } finally {
      rmdirSync(parent);
    }
  });

  it('leaves no parent behind that was made for several containers', async () => {
    {
      await using _second = await (async () => {
        await using _first = await OwnContainer.start({ rootfs, id: `${id}-1`, cgroupsPath: `/${id}/1` });
        return await OwnContainer.start({ rootfs, id: `${id}-2`, cgroupsPath: `/${id}/2` });
      })();
      expect(there(pathsIn(`${id}/2`))).toHaveLength(places.length);
      expect(there(pathsIn(`${id}/1`))).toEqual([]);
    }
    expect(there(pathsIn(id))).toEqual([]);
  });

  it('takes processors and memory nodes over from above in a cpuset of version 1', async (context) => {
    needs(context, 'cgroup v1', onVersion1('cpuset'));
    const all = readFileSync(join(layout.controllers.cpuset?.mountPoint ?? '', 'cpuset.cpus'), 'utf8').trim();
    for (const cgroupsPath of [`/${id}`, `/${id}/a/b`, null]) {
      await using container = await OwnContainer.start({ rootfs, id, cgroupsPath });
      const directory = directoryOf(container.cgroup, 'cpuset');
      expect(directory && readControl(directory, 'cpuset.cpus')).toBe(all);
      expect(directory && readControl(directory, 'cpuset.mems')).toBe('0');
    }
    // A parent of somebody else's that has none, which the kernel gives none by itself.
    const parent = join(layout.controllers.cpuset?.mountPoint ?? '', id);
    mkdirSync(parent);
    {
      await using container = await OwnContainer.start({ rootfs, id, cgroupsPath: `/${id}/x` });
      const directory = directoryOf(container.cgroup, 'cpuset');
      expect(directory && readControl(directory, 'cpuset.cpus')).toBe(all);
    }
    rmdirSync(parent);
  });
});

function aDisk(): { major: number; minor: number } {
  const [line = ''] = readFileSync('/proc/partitions', 'utf8').match(/^ +\d+ +\d+ +\d+ (vd|sd|nvme|ubd)\w+$/m) ?? [];
  const [major = 0, minor = 0] = line.trim().split(/ +/).map(Number);
  return { major, minor };
}

/** [name, resources, controller, file, what it says then] */
const V1: [string, OciResources, string, string, string][] = [
  ['memory.limit', { memory: { limit: 64 << 20 } }, 'memory', 'memory.limit_in_bytes', `${64 << 20}`],
  ['memory.reservation', { memory: { reservation: 32 << 20 } }, 'memory', 'memory.soft_limit_in_bytes', `${32 << 20}`],
  [
    'memory.swap',
    { memory: { limit: 64 << 20, swap: 96 << 20 } },
    'memory',
    'memory.memsw.limit_in_bytes',
    `${96 << 20}`,
  ],
  ['memory.swappiness', { memory: { swappiness: 7 } }, 'memory', 'memory.swappiness', '7'],
  [
    'memory.disableOOMKiller',
    { memory: { limit: 64 << 20, disableOOMKiller: true } },
    'memory',
    'memory.oom_control',
    'oom_kill_disable 1',
  ],
  ['memory.kernelTCP', { memory: { kernelTCP: 8 << 20 } }, 'memory', 'memory.kmem.tcp.limit_in_bytes', `${8 << 20}`],
  ['cpu.shares', { cpu: { shares: 512 } }, 'cpu', 'cpu.shares', '512'],
  ['cpu.quota', { cpu: { quota: 30000, period: 60000 } }, 'cpu', 'cpu.cfs_quota_us', '30000'],
  ['cpu.period', { cpu: { period: 60000 } }, 'cpu', 'cpu.cfs_period_us', '60000'],
  ['cpu.burst', { cpu: { quota: 30000, burst: 10000 } }, 'cpu', 'cpu.cfs_burst_us', '10000'],
  ['cpu.idle', { cpu: { shares: 512, idle: 1 } }, 'cpu', 'cpu.idle', '1'],
  ['cpu.realtimeRuntime', { cpu: { realtimePeriod: 900000 } }, 'cpu', 'cpu.rt_period_us', '900000'],
  ['cpu.cpus', { cpu: { cpus: '0', mems: '0' } }, 'cpuset', 'cpuset.cpus', '0'],
  ['pids.limit', { pids: { limit: 17 } }, 'pids', 'pids.max', '17'],
  ['network.classID', { network: { classID: 1048577 } }, 'net_cls', 'net_cls.classid', '1048577'],
  ['pids.limit of nothing', { pids: { limit: 0 } }, 'pids', 'pids.max', 'max'],
];

describe('linux.resources on version 1', () => {
  beforeEach((context) => needs(context, 'cgroup v1', onVersion1('memory')));

  it.each(V1.filter(([, , controller]) => onVersion1(controller)))(
    '%s',
    async (_, resources, controller, file, expected) => {
      await using container = await OwnContainer.start({ rootfs, id, resources });
      const directory = directoryOf(container.cgroup, controller);
      expect(directory && readControl(directory, file)?.split('\n')[0]).toBe(expected);
    },
  );

  it('blockIO.weight, where the kernel schedules by weights', async (context) => {
    needs(context, 'cgroup v1', onVersion1('blkio'));
    const started = OwnContainer.start({ rootfs, id, resources: { blockIO: { weight: 300 } } });
    if (!existsSync(join(layout.controllers.blkio?.mountPoint ?? '', 'blkio.bfq.io_serviced'))) {
      await expect(started).rejects.toThrow('linux.resources.blockIO.weight: could not open blkio.bfq.weight');
      return;
    }
    await using container = await started;
    const directory = directoryOf(container.cgroup, 'blkio');
    expect(directory && readControl(directory, 'blkio.bfq.weight')).toBe('300');
  });

  it('blockIO.throttle…', async (context) => {
    needs(context, 'cgroup v1', onVersion1('blkio'));
    const { major, minor } = aDisk();
    const rates = [{ major, minor, rate: 1 << 20 }];
    const resources = { blockIO: { throttleReadBpsDevice: rates, throttleWriteIOPSDevice: rates } };
    await using container = await OwnContainer.start({ rootfs, id, resources });
    const directory = directoryOf(container.cgroup, 'blkio');
    const files = ['blkio.throttle.read_bps_device', 'blkio.throttle.write_iops_device'];
    const seen = files.map((file) => directory && readControl(directory, file));
    expect(seen).toEqual([`${major}:${minor} ${1 << 20}`, `${major}:${minor} ${1 << 20}`]);
  });
});

const V2: [string, OciResources, string, string, string][] = [
  ['memory.limit', { memory: { limit: 64 << 20 } }, 'memory', 'memory.max', `${64 << 20}`],
  ['memory.limit without end', { memory: { limit: -1 } }, 'memory', 'memory.max', 'max'],
  ['memory.reservation', { memory: { reservation: 32 << 20 } }, 'memory', 'memory.low', `${32 << 20}`],
  ['memory.swap', { memory: { limit: 64 << 20, swap: 96 << 20 } }, 'memory', 'memory.swap.max', `${32 << 20}`],
  ['memory.swap of nothing', { memory: { limit: 64 << 20, swap: 64 << 20 } }, 'memory', 'memory.swap.max', '0'],
  ['cpu.shares', { cpu: { shares: 1024 } }, 'cpu', 'cpu.weight', '100'],
  ['cpu.quota', { cpu: { quota: 30000, period: 60000 } }, 'cpu', 'cpu.max', '30000 60000'],
  ['cpu.period', { cpu: { period: 60000 } }, 'cpu', 'cpu.max', 'max 60000'],
  ['cpu.burst', { cpu: { quota: 30000, burst: 10000 } }, 'cpu', 'cpu.max.burst', '10000'],
  ['cpu.idle', { cpu: { shares: 512, idle: 1 } }, 'cpu', 'cpu.idle', '1'],
  ['pids.limit', { pids: { limit: 17 } }, 'pids', 'pids.max', '17'],
  ['unified', { unified: { 'memory.high': '1048576' } }, 'memory', 'memory.high', '1048576'],
  ['cpu.cpus', { cpu: { cpus: '0', mems: '0' } }, 'cpuset', 'cpuset.cpus', '0'],
];

describe('linux.resources on version 2', () => {
  it.each(V2.filter(([, , controller]) => layout.controllers[controller]?.version === 2))(
    '%s',
    async (_, resources, controller, file, expected) => {
      await using container = await OwnContainer.start({ rootfs, id, resources });
      const directory = directoryOf(container.cgroup, controller);
      expect(directory && readControl(directory, file)).toBe(expected);
    },
  );

  it('blockIO.throttle…', async (context) => {
    needs(context, 'cgroup v2', layout.controllers.io?.version === 2);
    const { major, minor } = aDisk();
    const rates = [{ major, minor, rate: 1 << 20 }];
    const resources = { blockIO: { throttleReadBpsDevice: rates, throttleWriteIOPSDevice: rates } };
    await using container = await OwnContainer.start({ rootfs, id, resources });
    const directory = unifiedOf(container.cgroup);
    const expected = `${major}:${minor} rbps=${1 << 20} wbps=max riops=max wiops=${1 << 20}`;
    expect(directory && readControl(directory, 'io.max')).toBe(expected);
  });

  it('hugepageLimits, of use and of reservations', async (context) => {
    needs(context, 'cgroup v2', layout.controllers.hugetlb?.version === 2);
    const resources = { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] };
    await using container = await OwnContainer.start({ rootfs, id, resources });
    const directory = unifiedOf(container.cgroup);
    const files = ['hugetlb.2MB.max', 'hugetlb.2MB.rsvd.max'];
    expect(files.map((file) => directory && readControl(directory, file))).toEqual([`${4 << 20}`, `${4 << 20}`]);
  });

  it('unified, also a value of several lines', async (context) => {
    needs(context, 'cgroup v2', layout.unified !== undefined);
    const resources = { unified: { 'cgroup.max.depth': '3', 'cgroup.max.descendants': '5\n6\n' } };
    await using container = await OwnContainer.start({ rootfs, id, resources });
    const directory = unifiedOf(container.cgroup);
    const files = ['cgroup.max.depth', 'cgroup.max.descendants'];
    expect(files.map((file) => directory && readControl(directory, file))).toEqual(['3', '6']);
  });
});

describe('what cannot be is an error with its JSON path, and leaves nothing', () => {
  it.each([
    ['a controller that is nowhere', { rdma: { mlx5_1: { hcaHandles: 1 } } }, 'rdma.mlx5_1 needs the rdma controller'],
    ['a controller of unified', { unified: { 'rdma.max': 'x' } }, 'unified["rdma.max"] needs '],
    ['what the kernel lacks', { blockIO: { leafWeight: 10 } }, /blockIO.leafWeight(: could not open| cannot be done)/],
    ['a page size', { hugepageLimits: [{ pageSize: '3MB', limit: 1 }] }, /hugepageLimits\[0\](: could not| needs the)/],
    [
      'a file of unified',
      { unified: { 'cgroup.nothing': '1' } },
      /unified\["cgroup.nothing"\](: could not open| needs )/,
    ],
    ['a value', { cpu: { quota: 1 } }, 'cpu.quota: could not set it to 1'],
    ['a processor', { cpu: { cpus: '4096' } }, /cpu.cpus(: could not set it to 4096| needs the)/],
  ])('%s', async (_, resources, message) => {
    const expected = typeof message === 'string' ? `linux.resources.${message}` : message;
    await expect(OwnContainer.start({ rootfs, id, resources })).rejects.toThrow(expected);
    expect(there(pathsIn(id))).toEqual([]);
  });

  it('is to blame on the machine, or on the configuration', async () => {
    const blameOf = (resources: OciResources) =>
      OwnContainer.start({ rootfs, id, resources }).then(
        () => 'nobody',
        (error: { blame: string }) => error.blame,
      );
    expect(await blameOf({ blockIO: { leafWeight: 10 } })).toBe('host');
    expect(await blameOf({ cpu: { quota: 1 } })).toBe('input');
  });
});

it('an end in the middle leaves nothing that delete does not take', async () => {
  const container = await OwnContainer.start({ rootfs, id, cgroupsPath: `/${id}/x` });
  await container[Symbol.asyncDispose]();
  await removeContainerCgroup(container.cgroup); // once more is no error
  expect(there(pathsIn(id))).toEqual([]);
});

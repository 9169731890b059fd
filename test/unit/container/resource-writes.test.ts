// linux.resources as control files: every property, on both versions, as a table that a reader can compare with the kernel's
// documentation and with what runc and crun do.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cgroup } from '../../../src/container/cgroup/cgroup.js';
import { mergeResources, namedGroups } from '../../../src/container/cgroup/merge-resources.js';
import { controllersAskedFor, resourceWrites } from '../../../src/container/cgroup/resource-writes.js';
import { cpuWeight, ioWeight } from '../../../src/container/cgroup/resources-v2.js';
import type { OciResources } from '../../../src/container/config/schema.js';

const V1_NAMES = [
  ...[
    'memory',
    'cpu',
    'cpuacct',
    'cpuset',
    'pids',
    'devices',
    'freezer',
    'blkio',
    'hugetlb',
    'net_cls',
    'net_prio',
    'rdma',
  ],
];
const v1: Cgroup = {
  directories: V1_NAMES.map((name) => ({ version: 1, controllers: [name], path: `/${name}` })),
  made: [],
};
const v2: Cgroup = {
  directories: [
    { version: 2, controllers: ['memory', 'cpu', 'cpuset', 'pids', 'io', 'hugetlb', 'rdma', 'misc'], path: '/unified' },
  ],
  made: [],
};

function lines(resources: OciResources, cgroup: Cgroup): string[] {
  return resourceWrites(resources, cgroup).map(({ files, from, optional, initial, directory }) => {
    const [first, ...others] = files.map(({ file, value }) => `${directory.path}/${file} = ${JSON.stringify(value)}`);
    const or = others.map((other) => ` or ${other}`).join('');
    return `${first}${or}  # ${from}${optional ? ', if there' : ''}${initial ? ', as new' : ''}`;
  });
}

const MEMORY: OciResources = { memory: { limit: 1000, reservation: 500, swap: 3000 } };
const EVERYTHING: OciResources = {
  ...MEMORY,
  cpu: { shares: 2048, quota: 30000, period: 60000, burst: 5000, cpus: '0-3', mems: '0' },
  pids: { limit: 32 },
  blockIO: {
    weight: 500,
    weightDevice: [{ major: 8, minor: 0, weight: 300 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 0 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 16, rate: 5 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 300 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }],
  rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, rxe3: { hcaObjects: 5 } },
};

describe('linux.resources', () => {
  it('on version 1', async () => {
    const only: OciResources = {
      ...EVERYTHING,
      memory: {
        ...EVERYTHING.memory,
        kernel: 5,
        kernelTCP: 8192,
        swappiness: 0,
        disableOOMKiller: true,
        useHierarchy: true,
      },
      cpu: { ...EVERYTHING.cpu, realtimeRuntime: 950000, realtimePeriod: 1000000, idle: 1 },
      blockIO: {
        ...EVERYTHING.blockIO,
        leafWeight: 10,
        weightDevice: [{ major: 8, minor: 0, weight: 3, leafWeight: 4 }],
      },
      network: {
        classID: 1048577,
        priorities: [
          { name: 'eth0', priority: 500 },
          { name: 'eth1', priority: 0 },
        ],
      },
    };
    await expect(`${lines(only, v1).join('\n')}\n`).toMatchFileSnapshot('golden/resources-v1.txt');
  });

  it('on version 2', async () => {
    const more: OciResources = {
      ...EVERYTHING,
      unified: {
        'memory.high': '900',
        'io.max': '8:0 rbps=1\n8:16 wiops=2\n',
        'cgroup.max.depth': 'max',
        'misc.max': '',
      },
    };
    await expect(`${lines(more, v2).join('\n')}\n`).toMatchFileSnapshot('golden/resources-v2.txt');
  });

  it.each([
    ['no limits', { memory: { limit: -1 }, cpu: { quota: -1 }, pids: { limit: -1 } }],
    [
      'zeros, which Go writes for nothing',
      { memory: { limit: 0, swap: 0 }, cpu: { quota: 0, shares: 0 }, pids: { limit: 0 } },
    ],
    ['a swappiness that Go writes for nothing', { memory: { swappiness: 2 ** 64 } }],
    ['kernel memory', { memory: { kernel: 5 } }],
    ['nothing', {}],
    ['empty parts', { memory: {}, cpu: { cpus: '' }, pids: {}, blockIO: {}, network: { classID: 0 }, rdma: {} }],
  ] satisfies [string, OciResources][])('that ask for nothing: %s', (_, resources) => {
    for (const cgroup of [v1, v2]) {
      const real = resourceWrites(resources, cgroup).filter(({ initial, optional }) => !initial && !optional);
      expect(real).toEqual([]);
      expect([...controllersAskedFor(resources)]).toEqual([]);
      expect(resourceWrites(resources, { directories: [], made: [] })).toEqual([]);
    }
  });

  it.each([
    ['network.classID needs the net_cls controller', { network: { classID: 1 } }],
    ['memory.disableOOMKiller cannot be done by version 2', { memory: { disableOOMKiller: true } }],
    ['memory.swappiness cannot be done by version 2', { memory: { swappiness: 5 } }],
    ['memory.kernelTCP cannot be done by version 2', { memory: { kernelTCP: 5 } }],
    ['memory.swap needs memory.limit', { memory: { swap: 5 } }],
    ['memory.swap limits memory and swap together', { memory: { limit: 6, swap: 5 } }],
    ['cpu.realtimeRuntime cannot be done', { cpu: { realtimeRuntime: 5 } }],
    ['blockIO.leafWeight cannot be done', { blockIO: { leafWeight: 5 } }],
    ['unified["cpu.max/.."] is no file name', { unified: { 'cpu.max/..': '1' } }],
    ['unified[".."] is no file name', { unified: { '..': '1' } }],
    ['unified["memory"] is no file name', { unified: { memory: '1' } }],
    ['unified["perf_event.x"] needs the perf_event controller', { unified: { 'perf_event.x': '1' } }],
  ] satisfies [string, OciResources][])('that version 2 cannot do: %s', (message, resources) => {
    expect(() => resourceWrites(resources, v2)).toThrow(`config.json: linux.resources.${message}`);
  });

  it.each([
    ['unified["memory.high"] needs version 2', { unified: { 'memory.high': '1' } }],
    ['memory.swap limits memory and swap together', { memory: { limit: 6, swap: 5 } }],
    ['memory.swappiness is more than 100', { memory: { swappiness: 101 } }],
  ] satisfies [string, OciResources][])('that version 1 cannot do: %s', (message, resources) => {
    expect(() => resourceWrites(resources, v1)).toThrow(`config.json: linux.resources.${message}`);
  });

  it('name their path when no cgroup can be made at all', () => {
    const none = { directories: [], made: [] };
    const first = (resources: OciResources) => () => resourceWrites(resources, none);
    expect(first({ memory: { limit: 5 } })).toThrow('linux.resources.memory.limit needs the memory controller');
    expect(first({ blockIO: { weight: 5 } })).toThrow(
      'linux.resources.blockIO.weight needs the blkio or io controller',
    );
    expect(first({ rdma: { a: { hcaHandles: 1 } } })).toThrow('linux.resources.rdma.a needs the rdma controller');
  });
});

describe('conversions', () => {
  it('shares to weights meets both ends and the usual value, and rises (property)', () => {
    expect([1, 2, 1024, 262144, 300000].map(cpuWeight)).toEqual([1, 1, 100, 10000, 10000]);
    const shares = fc.integer({ min: 2, max: 262144 });
    fc.assert(
      fc.property(shares, shares, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(cpuWeight(low)).toBeLessThanOrEqual(cpuWeight(high));
        expect(cpuWeight(a)).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it('weights of blkio to weights of io', () => {
    expect([1, 10, 100, 500, 1000].map(ioWeight)).toEqual([1, 1, 910, 4950, 10000]);
  });
});

describe('an update', () => {
  const before: OciResources = {
    memory: { limit: 1, swap: 2 },
    hugepageLimits: [
      { pageSize: '2MB', limit: 1 },
      { pageSize: '1GB', limit: 1 },
    ],
    devices: [{ allow: true }],
    rdma: { a: { hcaHandles: 1 } },
  };

  it('keeps what it does not name', () => {
    const wanted: OciResources = {
      memory: { limit: 5 },
      hugepageLimits: [{ pageSize: '2MB', limit: 7 }],
      devices: [],
      pids: { limit: 3 },
      rdma: { b: { hcaHandles: 2 } },
    };
    const merged = mergeResources(before, wanted);
    expect(merged).toEqual({
      memory: { limit: 5, swap: 2 },
      hugepageLimits: [
        { pageSize: '1GB', limit: 1 },
        { pageSize: '2MB', limit: 7 },
      ],
      devices: [],
      pids: { limit: 3 },
      rdma: { a: { hcaHandles: 1 }, b: { hcaHandles: 2 } },
    });
    expect(namedGroups(merged, { memory: {} })).toEqual({ memory: { limit: 5, swap: 2 } });
  });
});

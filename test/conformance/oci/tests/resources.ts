/** config-linux.md: what cgroups limit, by the control files of cgroup v1, and of v2 where a hybrid machine has it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import { type MachineNeed, readMachine } from '../machine.js';
import { type SpecVersion, under } from '../test-type.js';

const memory = under('config-linux.md#memory');
const unified = under('config-linux.md#unified');

const MIB = 2 ** 20;

interface Limit {
  heading: string;
  what: string;
  resources: unknown;
  file: string;
  expected: string;
  since?: SpecVersion;
}

const LIMITS: Limit[] = [
  limit('memory', 'limit', { limit: 64 * MIB }, 'memory.limit_in_bytes', String(64 * MIB)),
  limit('memory', 'reservation', { reservation: 32 * MIB }, 'memory.soft_limit_in_bytes', String(32 * MIB)),
  limit('memory', 'swap', { limit: 64 * MIB, swap: 96 * MIB }, 'memory.memsw.limit_in_bytes', String(96 * MIB)),
  limit('memory', 'kernelTCP', { kernelTCP: 16 * MIB }, 'memory.kmem.tcp.limit_in_bytes', String(16 * MIB)),
  limit('memory', 'swappiness', { swappiness: 17 }, 'memory.swappiness', '17'),
  limit('memory', 'swappiness 0', { swappiness: 0 }, 'memory.swappiness', '0'),
  limit('cpu', 'shares', { shares: 345 }, 'cpu.shares', '345'),
  limit('cpu', 'quota', { quota: 45_000, period: 90_000 }, 'cpu.cfs_quota_us', '45000'),
  limit('cpu', 'quota -1', { quota: -1 }, 'cpu.cfs_quota_us', '-1'),
  limit('cpu', 'period', { quota: 45_000, period: 90_000 }, 'cpu.cfs_period_us', '90000'),
  limit('cpu', 'period alone', { period: 80_000 }, 'cpu.cfs_period_us', '80000'),
  limit('cpu', 'burst', { quota: 45_000, period: 90_000, burst: 30_000 }, 'cpu.cfs_burst_us', '30000', '1.1.0'),
  limit('cpu', 'idle', { idle: 1 }, 'cpu.idle', '1', '1.1.0'),
  limit('cpu', 'realtimePeriod', { realtimePeriod: 900_000 }, 'cpu.rt_period_us', '900000'),
  limit('cpuset', 'cpus', { cpus: '0' }, 'cpuset.cpus', '0', undefined, 'cpu'),
  limit('cpuset', 'mems', { mems: '0' }, 'cpuset.mems', '0', undefined, 'cpu'),
  limit('pids', 'limit', { limit: 21 }, 'pids.max', '21'),
  limit('pids', 'limit -1', { limit: -1 }, 'pids.max', 'max', '1.3.0'),
  limit('blkio', 'weight', { weight: 321 }, 'blkio.weight', '321', undefined, 'blockIO'),
  limit('blkio', 'weight', { weight: 321 }, 'blkio.bfq.weight', '321', undefined, 'blockIO'),
  limit('net_cls', 'classID', { classID: 1048577 }, 'net_cls.classid', '1048577', undefined, 'network'),
];

function limit(
  controller: string,
  what: string,
  values: unknown,
  file: string,
  expected: string,
  since?: SpecVersion,
  property = controller,
): Limit {
  const headings: Record<string, string> = { blockIO: 'block-io' };
  return {
    heading: headings[property] ?? property,
    what,
    resources: { [property]: values },
    file: `${controller}/${file}`,
    expected,
    ...(since === undefined ? {} : { since }),
  };
}

const THROTTLES: [property: string, file: string][] = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device'],
];

export const RESOURCE_TESTS = [
  ...LIMITS.map(({ heading, what, resources, file, expected, since }) =>
    under(`config-linux.md#${heading}`).must(
      `${what} is in ${file.split('/')[1]}`,
      async (t) => {
        const container = await t.created(['true'], { 'linux.resources': resources });
        see(file, container.control(file), expected);
      },
      {
        needs: [`v1 ${file.split('/')[0]}`, `file ${file}`] as MachineNeed[],
        ...(since === undefined ? {} : { since }),
      },
    ),
  ),
  ...(['limit', 'reservation'] as const).map((property) =>
    memory.must(
      `${property} -1 is no limit`,
      async (t) => {
        const file = property === 'limit' ? 'memory.limit_in_bytes' : 'memory.soft_limit_in_bytes';
        const container = await t.created(['true'], { 'linux.resources': { memory: { [property]: -1 } } });
        hold(`${file} is near 2^63`, Number(container.control(`memory/${file}`)) > 2 ** 62);
      },
      { needs: ['v1 memory'] },
    ),
  ),
  memory.must(
    'disableOOMKiller is in memory.oom_control',
    async (t) => {
      const limits = { memory: { limit: 64 * MIB, disableOOMKiller: true } };
      const container = await t.created(['true'], { 'linux.resources': limits });
      match('memory.oom_control', container.control('memory/memory.oom_control'), /^oom_kill_disable 1$/m);
    },
    { needs: ['v1 memory', 'file memory/memory.oom_control'] },
  ),
  memory.must(
    'the out-of-memory killer is enabled otherwise',
    async (t) => {
      const container = await t.created(['true'], { 'linux.resources': { memory: { limit: 64 * MIB } } });
      match('memory.oom_control', container.control('memory/memory.oom_control'), /^oom_kill_disable 0$/m);
    },
    { needs: ['v1 memory', 'file memory/memory.oom_control'] },
  ),
  memory.must(
    'a program that needs more than the limit is ended',
    async (t) => {
      const limits = { memory: { limit: 24 * MIB, swap: 24 * MIB } };
      const [sound, faulty] = [
        ['touch', '4'],
        ['touch', '200'],
      ];
      see('output within the limit', await t.output(sound, { 'linux.resources': limits }), 'touched\n');
      see('output beyond it', await t.output(faulty, { 'linux.resources': limits }), '');
    },
    { needs: ['v1 memory', 'file memory/memory.memsw.limit_in_bytes'] },
  ),
  memory.must(
    'a swappiness above 100 is an error',
    (t) =>
      t.refuses(
        { 'linux.resources': { memory: { swappiness: 101 } } },
        { sound: { 'linux.resources': { memory: { swappiness: 100 } } } },
      ),
    { needs: ['v1 memory', 'file memory/memory.swappiness'] },
  ),
  under('config-linux.md#pids').should(
    'limit 0 allows no further task',
    async (t) => {
      const container = await t.created(['true'], { 'linux.resources': { pids: { limit: 0 } } });
      see('pids.max', container.control('pids/pids.max'), '0');
    },
    { since: '1.3.0', needs: ['v1 pids'] },
  ),
  ...THROTTLES.map(([property, file]) =>
    under('config-linux.md#block-io').must(
      `${property} is in ${file}`,
      async (t) => {
        const device = readMachine().blockDevice ?? '';
        const [major, minor] = device.split(':').map(Number);
        const container = await t.created(['true'], {
          'linux.resources': { blockIO: { [property]: [{ major, minor, rate: 123_456 }] } },
        });
        see(file, container.control(`blkio/${file}`), `${device} 123456`);
      },
      { needs: ['v1 blkio', `file blkio/${file}`, 'a block device'] },
    ),
  ),

  unified.must(
    'a controller that is not there is an error',
    (t) => t.refuses({ 'linux.resources': { unified: { 'nonsense.max': '1' } } }),
    { since: '1.1.0' },
  ),
  unified.must(
    'what is configured is written to the file',
    async (t) => {
      const container = await t.created(['true'], {
        'linux.resources': { unified: { 'hugetlb.2MB.max': '2097152' } },
      });
      const folder = join(readMachine().cgroups.v2 ?? '', container.config.linux.cgroupsPath ?? '');
      hold('the container has a cgroup there', existsSync(folder));
      see('hugetlb.2MB.max', readFileSync(join(folder, 'hugetlb.2MB.max'), 'utf8'), '2097152\n');
    },
    { since: '1.1.0', needs: ['the v2 hugetlb controller'] },
  ),
  under('config-linux.md#huge-page-limits').must(
    'limit is set where the controller is on v2',
    async (t) => {
      const container = await t.created(['true'], {
        'linux.resources': { hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304 }] },
      });
      const folder = join(readMachine().cgroups.v2 ?? '', container.config.linux.cgroupsPath ?? '');
      hold('the container has a cgroup there', existsSync(folder));
      const files = ['hugetlb.2MB.rsvd.max', 'hugetlb.2MB.max'].map((file) => readFileSync(join(folder, file), 'utf8'));
      hold('one of the limits is set', files.includes('4194304\n'));
    },
    { needs: ['the v2 hugetlb controller'] },
  ),
  under('config-linux.md#huge-page-limits').must('a page size that does not exist is an error', (t) =>
    t.refuses({ 'linux.resources': { hugepageLimits: [{ pageSize: '3MB', limit: 3 * MIB }] } }),
  ),
  under('config-linux.md#rdma').must('a device that is not there is an error', (t) =>
    t.refuses({ 'linux.resources': { rdma: { no_such_device: { hcaHandles: 3 } } } }),
  ),
];

/** config-linux.md: control groups, and the resources that they limit. On cgroup v1, by its control files. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import type { MachineNeed } from '../machine.js';
import { readMachine } from '../machine.js';
import { type SpecVersion, under } from '../test-type.js';

const path = under('config-linux.md#cgroups-path');
const groups = under('config-linux.md#control-groups');
const ownership = under('config-linux.md#cgroup-ownership');
const allowed = under('config-linux.md#allowed-device-list');
const memory = under('config-linux.md#memory');
const unified = under('config-linux.md#unified');

const CONTROLLERS = ['memory', 'cpu', 'cpuacct', 'cpuset', 'pids', 'devices', 'freezer', 'blkio'] as const;
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

/** A node without a driver, so that opening it shows only whether it is allowed: the cgroup is asked first. */
const NODE = { path: '/dev/conformance', type: 'c', major: 240, minor: 77 };
const ALLOWED = /: No such device or address\n?$/;
const DENIED = /: Operation not permitted\n?$/;

/** The cgroup of a process in a v1 hierarchy, from /proc/PID/cgroup. */
function cgroupOf(pid: number, controller: string): string | undefined {
  const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .find((one) => one.split(':')[1]?.split(',').includes(controller));
  return line?.split(':')[2];
}

export const CGROUP_TESTS = [
  ...CONTROLLERS.map((controller) =>
    path.must(
      `an absolute path is relative to the mount point of the ${controller} controller`,
      async (t) => {
        const container = await t.created();
        see('cgroup of the process', cgroupOf(container.pid, controller), container.config.linux.cgroupsPath);
        const procs = container.control(`${controller}/cgroup.procs`).split('\n');
        hold('the process is in it', procs.includes(String(container.pid)));
      },
      { needs: [`v1 ${controller}`] },
    ),
  ),
  path.must(
    'the same relative path is the same place each time',
    async (t) => {
      const places: (string | undefined)[] = [];
      for (let i = 0; i < 2; i++) {
        const container = await t.created(['true'], { 'linux.cgroupsPath': `${t.name}-relative` });
        places.push(cgroupOf(container.pid, 'memory'));
        await container.start();
        await container.stopped();
        await container.delete();
      }
      match('place', places[0] ?? '', /relative/);
      see('places', places[1], places[0]);
    },
    { needs: ['v1 memory'] },
  ),
  path.must(
    'cgroups that do not exist are made',
    async (t) => {
      const container = t.container();
      const deep = `${container.config.linux.cgroupsPath}/a/b`;
      container.config.linux.cgroupsPath = deep;
      container.writeConfig(container.config);
      await container.create();
      see('cgroup', cgroupOf(container.pid, 'memory'), deep);
    },
    { needs: ['v1 memory'] },
  ),
  path.may('without a path there is a default', async (t) => {
    const container = await t.created(['true'], { 'linux.cgroupsPath': undefined });
    see('status', (await container.state()).status, 'created');
    await container.start();
    await container.stopped();
    await container.delete();
  }),
  path.must(
    'two containers have cgroups of their own',
    async (t) => {
      const [one, two] = [
        await t.created(['true'], { 'linux.resources': { pids: { limit: 11 } } }),
        await t.created(['true'], { 'linux.resources': { pids: { limit: 22 } } }),
      ];
      see('limits', [one.control('pids/pids.max'), two.control('pids/pids.max')], ['11', '22']);
    },
    { needs: ['v1 pids'] },
  ),
  groups.must(
    'what cannot be written to a control file is an error',
    (t) =>
      t.refuses(
        { 'linux.resources': { cpu: { cpus: '4095' } } },
        { sound: { 'linux.resources': { cpu: { cpus: '0' } } } },
      ),
    { needs: ['v1 cpuset'] },
  ),
  groups.must(
    'a limit is set before the program runs',
    async (t) => {
      const text = await t.output(['fork', '60'], { 'linux.resources': { pids: { limit: 10 } } });
      see('children', text, '9\n');
    },
    { needs: ['v1 pids'] },
  ),
  ownership.shouldNot(
    'the owner of a v1 cgroup is changed',
    async (t) => {
      const container = await t.created(['true'], {
        'linux.namespaces+': { type: 'cgroup' },
        'process.user': { uid: 1000, gid: 1000 },
        'mounts+': { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid'] },
      });
      const folders = container.cgroups();
      hold('there are cgroups', folders.length > 0);
      for (const folder of folders.filter((one) => one !== readMachine().cgroups.v2)) {
        see(`owner of ${folder}`, statSync(folder).uid, 0);
        see(`owner of its cgroup.procs`, statSync(join(folder, 'cgroup.procs')).uid, 0);
      }
    },
    { needs: ['v1 memory'] },
  ),

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

  allowed.must(
    'entries are applied in the listed order',
    async (t) => {
      const opened = (devices: object[]) =>
        t.output(['open', NODE.path], { 'linux.devices': [NODE], 'linux.resources': { devices } });
      const [none, node] = [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: NODE.major, minor: NODE.minor, access: 'rwm' },
      ];
      match('denied, then allowed', await opened([none, node]), ALLOWED);
      match('allowed, then denied', await opened([none, node, { ...node, allow: false }]), DENIED);
    },
    { needs: ['v1 devices'] },
  ),
  allowed.must(
    'an entry without numbers is for all of them',
    async (t) => {
      const container = await t.created(['true'], {
        'linux.resources': {
          devices: [
            { allow: false, access: 'rwm' },
            { allow: true, type: 'b', access: 'r' },
            { allow: true, type: 'c', major: 10, access: 'rw' },
          ],
        },
      });
      const list = container.control('devices/devices.list');
      match('all block devices can be read', list, /^b \*:\* r/m);
      match('all devices with the number 10 can be read and written', list, /^c 10:\* rw/m);
    },
    { needs: ['v1 devices'] },
  ),
  allowed.must(
    'an entry without a type is for all types',
    async (t) => {
      const container = await t.created(['true'], {
        'linux.resources': { devices: [{ allow: true, access: 'rwm' }] },
      });
      match('devices.list', container.control('devices/devices.list'), /^a \*:\* rwm$/m);
    },
    { needs: ['v1 devices'] },
  ),
  allowed.must(
    'access is no more than its letters',
    async (t) => {
      const args = ['each', 'open', NODE.path, '--', 'open', NODE.path, 'w'];
      const read = { allow: true, type: 'c', major: NODE.major, minor: NODE.minor, access: 'r' };
      const [reading = '', writing = ''] = await t.lines(args, {
        'linux.devices': [NODE],
        'linux.resources': { devices: [{ allow: false, access: 'rwm' }, read] },
      });
      match('reading', reading, ALLOWED);
      match('writing', writing, DENIED);
    },
    { needs: ['v1 devices'] },
  ),
  allowed.must(
    'the default devices can be used when all are denied',
    async (t) => {
      const change = { 'linux.resources': { devices: [{ allow: false, access: 'rwm' }] } };
      see('output', await t.output(['open', '/dev/null', 'w'], change), '/dev/null: ok\n');
    },
    { needs: ['v1 devices'] },
  ),
  allowed.must('allow is required', (t) =>
    t.refuses(
      { 'linux.resources': { devices: [{ type: 'c', major: 1, minor: 3, access: 'rw' }] } },
      { sound: { 'linux.resources': { devices: [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }] } } },
    ),
  ),
  allowed.must('access with another letter is an error', (t) =>
    t.refuses(
      { 'linux.resources': { devices: [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rx' }] } },
      { sound: { 'linux.resources': { devices: [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }] } } },
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

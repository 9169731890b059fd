/** config-linux.md: control groups, where they are and whose. On cgroup v1. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import { readMachine } from '../machine.js';
import { under } from '../test-type.js';

const path = under('config-linux.md#cgroups-path');
const groups = under('config-linux.md#control-groups');
const ownership = under('config-linux.md#cgroup-ownership');

const CONTROLLERS = ['memory', 'cpu', 'cpuacct', 'cpuset', 'pids', 'devices', 'freezer', 'blkio'] as const;

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
];

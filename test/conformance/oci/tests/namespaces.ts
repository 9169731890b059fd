/** config-linux.md: namespaces, id mappings, time offsets. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import type { Change, Mount } from '../config.js';
import type { MachineNeed } from '../machine.js';
import { field } from '../proc-text.js';
import type { Scene } from '../scene.js';
import { type SpecVersion, under } from '../test-type.js';

const namespaces = under('config-linux.md#namespaces');
const mappings = under('config-linux.md#user-namespace-mappings');
const offsets = under('config-linux.md#offset-for-time-namespace');

/** Type in the configuration, and name below /proc/PID/ns. */
const KINDS: [type: string, file: string, more?: { since: SpecVersion; needs: MachineNeed[] }][] = [
  ['pid', 'pid'],
  ['network', 'net'],
  ['mount', 'mnt'],
  ['ipc', 'ipc'],
  ['uts', 'uts'],
  ['user', 'user'],
  ['cgroup', 'cgroup'],
  ['time', 'time', { since: '1.1.0', needs: ['time namespaces'] }],
];

const MAPPINGS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const MAPPED: Change = { 'linux.uidMappings': MAPPINGS, 'linux.gidMappings': MAPPINGS };

/** Who owns no network namespace cannot mount sysfs, which belongs to it. */
const MOUNTS: Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
];

/** A user namespace of its own, with these mappings. */
const IN_USER_NAMESPACE: Change = { 'linux.namespaces+': { type: 'user' }, mounts: MOUNTS, ...MAPPED };

/** Namespaces of the configuration: those that it must have anyway, and the given one. */
function withNamespace(type: string, path?: string): Change {
  const entry = { type, ...(path === undefined ? {} : { path }) };
  const others = ['mount', 'pid'].filter((other) => other !== type).map((other) => ({ type: other }));
  return {
    'linux.namespaces': [...others, entry],
    mounts: MOUNTS,
    ...(type === 'user' && path === undefined ? MAPPED : {}),
  };
}

async function linkOf(t: Scene, file: string, change: Change): Promise<string> {
  const container = await t.running(['each', 'readlink', `/proc/self/ns/${file}`, '--', 'sleep', '60'], change);
  const link = readlinkSync(`/proc/${container.pid}/ns/${file}`);
  match('what the process sees', container.output, /^\w+:\[\d+\]\n/);
  return link;
}

const own = (file: string) => readlinkSync(`/proc/self/ns/${file}`);

export const NAMESPACE_TESTS = [
  ...KINDS.map(([type, file, more]) =>
    namespaces.must(
      `a ${type} namespace without a path is a new one`,
      async (t) => hold('it is another', (await linkOf(t, file, withNamespace(type))) !== own(file)),
      more,
    ),
  ),
  ...KINDS.filter(([type]) => type !== 'mount').map(([type, file, more]) =>
    namespaces.must(
      `a ${type} namespace that is not listed is the runtime's`,
      async (t) => {
        const listed = ['mount', 'pid'].filter((other) => other !== type).map((other) => ({ type: other }));
        const change = {
          'linux.namespaces': listed,
          mounts: MOUNTS,
        };
        see('namespace', await linkOf(t, file, change), own(file));
      },
      more,
    ),
  ),
  ...KINDS.filter(([type]) => type !== 'mount').map(([type, file, more]) =>
    namespaces.must(
      `a ${type} namespace with a path is joined`,
      async (t) => {
        const first = await t.running(['sleep', '60'], withNamespace(type));
        const path = `/proc/${first.pid}/ns/${file}`;
        const change = { ...withNamespace(type, path), ...(type === 'user' ? MAPPED : {}) };
        const second = await t.running(['sleep', '60'], change);
        see('namespace', readlinkSync(`/proc/${second.pid}/ns/${file}`), readlinkSync(path));
        hold("it is not the runtime's", readlinkSync(path) !== own(file));
      },
      more,
    ),
  ),
  namespaces.must('a joined namespace is what its first container made of it', async (t) => {
    const first = await t.running(['sleep', '60'], { hostname: 'of-the-first' });
    const path = `/proc/${first.pid}/ns/uts`;
    see('host name', await t.output(['hostname'], withNamespace('uts', path)), 'of-the-first\n');
  }),
  namespaces.must('a path of a namespace of another type is an error', async (t) => {
    const first = await t.running(['sleep', '60'], { 'linux.namespaces+': { type: 'network' } });
    const path = (file: string) => `/proc/${first.pid}/ns/${file}`;
    await t.refuses(withNamespace('network', path('uts')), { sound: withNamespace('network', path('net')) });
  }),
  namespaces.must('a path of no namespace is an error', (t) => t.refuses(withNamespace('ipc', '/proc/self/status'))),
  namespaces.must('a path that does not exist is an error', (t) =>
    t.refuses(withNamespace('ipc', '/no/such/namespace')),
  ),
  namespaces.must('a path is absolute', async (t) => {
    const first = await t.running(['sleep', '60']);
    const path = `/proc/${first.pid}/ns/ipc`;
    await t.refuses(withNamespace('ipc', `..${'/..'.repeat(8)}${path}`), { sound: withNamespace('ipc', path) });
  }),
  namespaces.must('a type that is there twice is an error', (t) =>
    t.refuses(
      { 'linux.namespaces++': [{ type: 'network' }, { type: 'network' }] },
      {
        sound: { 'linux.namespaces+': { type: 'network' } },
      },
    ),
  ),
  namespaces.must('a type that does not exist is an error', (t) =>
    t.refuses({ 'linux.namespaces+': { type: 'nonsense' } }, { sound: { 'linux.namespaces+': { type: 'network' } } }),
  ),
  namespaces.should('in a pid namespace the process is the first', async (t) =>
    match('pids', await t.output(['ids']), /^1 0 /),
  ),
  namespaces.should('in a pid namespace other processes are not seen', async (t) => {
    const lines = await t.lines(['ls', '/proc']);
    see(
      'processes',
      lines.filter((name) => /^\d+$/.test(name)),
      ['1'],
    );
  }),
  namespaces.should('a network namespace has its own devices', async (t) => {
    const lines = await t.lines(['ls', '/sys/class/net'], { 'linux.namespaces+': { type: 'network' } });
    hold('lo is there', lines.includes('lo'));
    see(
      'devices of the host',
      lines.filter((name) => /^(eth|en|wl)/.test(name)),
      [],
    );
  }),
  namespaces.should('in a cgroup namespace the own cgroup is the root', async (t) => {
    const lines = await t.lines(['cat', '/proc/self/cgroup'], { 'linux.namespaces+': { type: 'cgroup' } });
    const memory = lines.find((line) => /^\d+:(memory|):/.test(line));
    match('path', memory ?? '', /:\/$/);
  }),

  mappings.must('uidMappings and gidMappings are those of the namespace', async (t) => {
    const text = await t.output(['each', 'cat', '/proc/self/uid_map', '--', 'cat', '/proc/self/gid_map'], {
      ...IN_USER_NAMESPACE,
      'linux.uidMappings': [{ containerID: 0, hostID: 200_000, size: 1000 }],
      'linux.gidMappings': [{ containerID: 0, hostID: 300_000, size: 2000 }],
    });
    see('maps', text.replaceAll(/ +/g, ' '), ' 0 200000 1000\n 0 300000 2000\n');
  }),
  mappings.must('there may be several mappings', async (t) => {
    const several = [
      { containerID: 0, hostID: 100_000, size: 10 },
      { containerID: 500, hostID: 200_000, size: 20 },
      { containerID: 1000, hostID: 300_000, size: 30 },
    ];
    const text = await t.output(['cat', '/proc/self/uid_map'], {
      ...IN_USER_NAMESPACE,
      'linux.uidMappings': several,
      'linux.gidMappings': several,
    });
    see('map', text.replaceAll(/ +/g, ' '), ' 0 100000 10\n 500 200000 20\n 1000 300000 30\n');
  }),
  mappings.must('the process has the mapped ids on the host', async (t) => {
    const container = await t.running(['sleep', '60'], {
      ...IN_USER_NAMESPACE,
      'process.user': { uid: 7, gid: 8 },
    });
    const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
    see('ids', [field(status, 'Uid').split(' ')[0], field(status, 'Gid').split(' ')[0]], ['100007', '100008']);
  }),
  mappings.must('the process has its own ids in the namespace', async (t) => {
    const text = await t.output(['ids'], {
      ...IN_USER_NAMESPACE,
      'process.user': { uid: 7, gid: 8 },
    });
    match('ids', text, / 7 8\n$/);
  }),
  mappings.shouldNot('the owners of the root file system are changed', async (t) => {
    const container = await t.created(['stat', '/data/file'], IN_USER_NAMESPACE);
    await container.start();
    match('owner in the container', await container.finished(), / 65534:65534 /);
    const { uid, gid } = statSync(join(container.rootfs, 'data/file'));
    see('owner on the host', [uid, gid], [0, 0]);
  }),
  mappings.must('mappings that overlap are an error', (t) =>
    t.refuses(
      {
        ...IN_USER_NAMESPACE,
        'linux.uidMappings': [...MAPPINGS, { containerID: 5, hostID: 300_000, size: 10 }],
      },
      { sound: IN_USER_NAMESPACE },
    ),
  ),

  ...(['monotonic', 'boottime'] as const).map((clock) =>
    offsets.must(
      `the offset of the clock ${clock} is that of the namespace`,
      async (t) => {
        const text = await t.output(['cat', '/proc/self/timens_offsets'], {
          'linux.namespaces+': { type: 'time' },
          'linux.timeOffsets': { [clock]: { secs: 7200, nanosecs: 123 } },
        });
        const lines = text.replaceAll(/ +/g, ' ').trim().split('\n');
        see(
          'offsets',
          lines,
          ['monotonic', 'boottime'].map((one) => `${one} ${one === clock ? '7200 123' : '0 0'}`),
        );
      },
      { since: '1.1.0', needs: ['time namespaces'] },
    ),
  ),
  offsets.must(
    'offsets may be negative',
    async (t) => {
      const text = await t.output(['cat', '/proc/self/timens_offsets'], {
        'linux.namespaces+': { type: 'time' },
        'linux.timeOffsets': { monotonic: { secs: -10 } },
      });
      match('offsets', text, /^monotonic +-10 +0\n/);
    },
    { since: '1.1.0', needs: ['time namespaces'] },
  ),
  offsets.must(
    'a clock that does not exist is an error',
    (t) =>
      t.refuses(
        { 'linux.namespaces+': { type: 'time' }, 'linux.timeOffsets': { nonsense: { secs: 1 } } },
        { sound: { 'linux.namespaces+': { type: 'time' }, 'linux.timeOffsets': { boottime: { secs: 1 } } } },
      ),
    { since: '1.1.0', needs: ['time namespaces'] },
  ),
];

/** config-linux.md: devices, default devices and file systems; runtime-linux.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import { mountAt } from '../proc-text.js';
import { under } from '../test-type.js';

const devices = under('config-linux.md#devices');
const defaults = under('config-linux.md#default-devices');
const filesystems = under('config-linux.md#default-filesystems');
const symlinks = under('runtime-linux.md#dev-symbolic-links');
const descriptors = under('runtime-linux.md#file-descriptors');

const DEFAULTS: [path: string, numbers: string][] = [
  ['/dev/null', '1:3'],
  ['/dev/zero', '1:5'],
  ['/dev/full', '1:7'],
  ['/dev/random', '1:8'],
  ['/dev/urandom', '1:9'],
  ['/dev/tty', '5:0'],
];

const LINKS: [link: string, target: string][] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
];

/** Numbers that no driver of this machine need have: the node is there all the same. */
const DEVICE = { path: '/dev/conformance', type: 'c', major: 10, minor: 229 };

export const DEVICE_TESTS = [
  ...(
    [
      ['c', '20'],
      ['u', '20'],
      ['b', '60'],
    ] as const
  ).map(([type, shown]) =>
    devices.must(`a device of type ${type} is available`, async (t) =>
      match(
        'stat',
        await t.output(['stat', DEVICE.path], { 'linux.devices': [{ ...DEVICE, type }] }),
        new RegExp(`^/dev/conformance: ${shown}\\d{3} 0:0 10:229\n$`),
      ),
    ),
  ),
  devices.must('a device of type p is available, and needs no numbers', async (t) =>
    match(
      'stat',
      await t.output(['stat', '/dev/pipe'], { 'linux.devices': [{ path: '/dev/pipe', type: 'p' }] }),
      /^\/dev\/pipe: 10\d{3} /,
    ),
  ),
  devices.must('several devices are available', async (t) => {
    const list = [1, 2, 3].map((minor) => ({ path: `/dev/c${minor}`, type: 'c', major: 240, minor }));
    const lines = await t.lines(['stat', '/dev/c1', '/dev/c2', '/dev/c3'], { 'linux.devices': list });
    see(
      'numbers',
      lines.map((line) => line.split(' ').at(-1)),
      ['240:1', '240:2', '240:3'],
    );
  }),
  devices.may('a device may be anywhere in the file system', async (t) =>
    match(
      'stat',
      await t.output(['stat', '/data/new/device'], { 'linux.devices': [{ ...DEVICE, path: '/data/new/device' }] }),
      /^\/data\/new\/device: 20\d{3} 0:0 10:229\n$/,
    ),
  ),
  devices.must('fileMode is the mode of the device', async (t) =>
    match(
      'stat',
      await t.output(['stat', DEVICE.path], { 'linux.devices': [{ ...DEVICE, fileMode: 0o642 }] }),
      /^\/dev\/conformance: 20642 /,
    ),
  ),
  devices.must('uid and gid are the owner of the device', async (t) =>
    match(
      'stat',
      await t.output(['stat', DEVICE.path], { 'linux.devices': [{ ...DEVICE, uid: 12, gid: 34 }] }),
      / 12:34 10:229\n$/,
    ),
  ),
  devices.must('uid and gid are ids of the container', async (t) => {
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    // A user namespace cannot make nodes: the runtime binds one of the host.
    const text = await t.output(['stat', '/dev/null'], {
      'linux.namespaces++': [{ type: 'user' }, { type: 'network' }],
      'linux.uidMappings': mappings,
      'linux.gidMappings': mappings,
    });
    match('stat', text, /^\/dev\/null: 20\d{3} \d+:\d+ 1:3\n$/);
  }),
  devices.must('a file at path that is another one is an error', async (t) => {
    const twin = t.container(['true'], { 'linux.devices': [{ ...DEVICE, path: '/data/device' }] });
    await twin.create();
    see('status of the sound twin', (await twin.state()).status, 'created');
    const container = t.container(['true'], { 'linux.devices': [{ ...DEVICE, path: '/data/device' }] });
    writeFileSync(join(container.rootfs, 'data/device'), 'no device');
    await t.refusedAsIs(container);
  }),
  devices.must('a type that does not exist is an error', (t) =>
    t.refuses({ 'linux.devices': [{ ...DEVICE, type: 'x' }] }, { sound: { 'linux.devices': [DEVICE] } }),
  ),
  devices.must('path is required', (t) =>
    t.refuses({ 'linux.devices': [{ ...DEVICE, path: undefined }] }, { sound: { 'linux.devices': [DEVICE] } }),
  ),
  devices.must('major and minor are required unless the type is p', (t) =>
    t.refuses({ 'linux.devices': [{ path: DEVICE.path, type: 'c' }] }, { sound: { 'linux.devices': [DEVICE] } }),
  ),

  ...DEFAULTS.map(([path, numbers]) =>
    defaults.must(`${path} is supplied`, async (t) => {
      const text = await t.output(['each', 'stat', path, ...(path === '/dev/tty' ? [] : ['--', 'open', path])]);
      const opened = path === '/dev/tty' ? '' : `${path}: ok\n`;
      see('stat and open', text, `${path}: 20666 0:0 ${numbers}\n${opened}`);
    }),
  ),
  defaults.must('/dev/null can be written by a user other than root', async (t) =>
    see(
      'open',
      await t.output(['open', '/dev/null', 'w'], { 'process.user': { uid: 1000, gid: 1000 } }),
      '/dev/null: ok\n',
    ),
  ),
  defaults.must("/dev/ptmx is the container's /dev/pts/ptmx", async (t) => {
    const text = await t.output(['each', 'readlink', '/dev/ptmx', '--', 'open', '/dev/ptmx', '--', 'ls', '/dev/pts']);
    match('link or bind mount', text, /^(\/dev\/)?pts\/ptmx\n|^\/dev\/ptmx: Invalid argument\n/);
    match('a terminal can be opened', text, /\n\/dev\/ptmx: ok\n/);
    match('it is in the own file system', text, /\n0\n/);
  }),
  defaults.must('the default devices are supplied where /dev is of the root file system', async (t) => {
    const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }];
    match('stat', await t.output(['stat', '/dev/null'], { mounts }), /^\/dev\/null: 20666 0:0 1:3\n$/);
  }),
  defaults.must('no other device is supplied', async (t) => {
    const known = [...DEFAULTS.map(([path]) => path), ...LINKS.map(([link]) => link)].map((path) => path.slice(5));
    const more = ['ptmx', 'pts', 'shm', 'console', 'core', 'mqueue'];
    const lines = await t.lines(['ls', '/dev']);
    hold('null is there', lines.includes('null'));
    see(
      'others',
      lines.filter((name) => !known.includes(name) && !more.includes(name)),
      [],
    );
  }),

  ...(
    [
      ['/proc', 'proc'],
      ['/sys', 'sysfs'],
      ['/dev/pts', 'devpts'],
      ['/dev/shm', 'tmpfs'],
    ] as const
  ).map(([path, type]) =>
    filesystems.should(`${path} is available`, async (t) =>
      see('type', mountAt(await t.output(['cat', '/proc/self/mountinfo']), path).type, type),
    ),
  ),

  ...LINKS.map(([link, target]) =>
    symlinks.must(`${link} is a symbolic link to ${target}`, async (t) =>
      see('link', await t.output(['readlink', link]), `${target}\n`),
    ),
  ),
  symlinks.must('the links are made where /dev is of the root file system', async (t) => {
    const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }];
    const container = t.container(['readlink', '/dev/fd'], { mounts });
    mkdirSync(join(container.rootfs, 'dev'), { recursive: true });
    await container.create();
    await container.start();
    see('link', await container.finished(), '/proc/self/fd\n');
  }),
  descriptors.must('only the standard descriptors are open', async (t) =>
    see('others', await t.output(['fds']), 'none\n'),
  ),
];

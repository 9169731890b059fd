/** config-linux.md: the allowed device list, on cgroup v1. */
import { match, see } from '../assert.js';
import { under } from '../test-type.js';

const allowed = under('config-linux.md#allowed-device-list');

/** A node without a driver, so that opening it shows only whether it is allowed: the cgroup is asked first. */
const NODE = { path: '/dev/conformance', type: 'c', major: 240, minor: 77 };
const ALLOWED = /: No such device or address\n?$/;
const DENIED = /: Operation not permitted\n?$/;

export const ALLOWED_DEVICE_TESTS = [
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
];

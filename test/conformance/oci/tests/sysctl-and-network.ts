/** config-linux.md: sysctl, and network devices. */
import { readFileSync } from 'node:fs';
import { hold, match, see } from '../assert.js';
import { expectSuccess, runCommand } from '../command.js';
import type { Change } from '../config.js';
import type { Scene } from '../scene.js';
import { under } from '../test-type.js';

const sysctl = under('config-linux.md#sysctl');
const devices = under('config-linux.md#network-devices');
const NETWORK = { 'linux.namespaces+': { type: 'network' } };

export const SYSCTL_TESTS = [
  sysctl.must('a parameter of the network namespace is set', async (t) => {
    const change = { ...NETWORK, 'linux.sysctl': { 'net.ipv4.ip_forward': '1' } };
    see('value', await t.output(['cat', '/proc/sys/net/ipv4/ip_forward'], change), '1\n');
  }),
  sysctl.must('several parameters are set', async (t) => {
    const change = { ...NETWORK, 'linux.sysctl': { 'net.core.somaxconn': '321', 'net.ipv4.ip_default_ttl': '33' } };
    const text = await t.output(
      ['each', 'cat', '/proc/sys/net/core/somaxconn', '--', 'cat', '/proc/sys/net/ipv4/ip_default_ttl'],
      change,
    );
    see('values', text, '321\n33\n');
  }),
  sysctl.must('a parameter of the ipc namespace is set', async (t) => {
    const change = { 'linux.sysctl': { 'kernel.shmmax': '123456789' } };
    see('value', await t.output(['cat', '/proc/sys/kernel/shmmax'], change), '123456789\n');
  }),
  sysctl.must(
    'a parameter of message queues is set',
    async (t) => {
      const change = { 'linux.sysctl': { 'fs.mqueue.msg_max': '7' } };
      see('value', await t.output(['cat', '/proc/sys/fs/mqueue/msg_max'], change), '7\n');
    },
    { needs: ['a limit of messages'] },
  ),
  sysctl.mustNot('a parameter of the runtime is changed by that of the container', async (t) => {
    const before = readFileSync('/proc/sys/kernel/shmmni', 'utf8');
    await t.running(['sleep', '60'], { 'linux.sysctl': { 'kernel.shmmni': '99' } });
    see('value on the host', readFileSync('/proc/sys/kernel/shmmni', 'utf8'), before);
  }),
  sysctl.must('a parameter that does not exist is an error', (t) =>
    t.refuses(
      { ...NETWORK, 'linux.sysctl': { 'net.no.such.parameter': '1' } },
      { sound: { ...NETWORK, 'linux.sysctl': { 'net.core.somaxconn': '100' } } },
    ),
  ),
  sysctl.must('a value that the kernel does not take is an error', (t) =>
    t.refuses(
      { ...NETWORK, 'linux.sysctl': { 'net.core.somaxconn': 'nonsense' } },
      { sound: { ...NETWORK, 'linux.sysctl': { 'net.core.somaxconn': '100' } } },
    ),
  ),

  devices.must(
    'a network device is moved into the container',
    async (t) => {
      const text = await withDevice(t, { conf0: {} }, ['ls', '/sys/class/net']);
      hold('it is there', text.split('\n').includes('conf0'));
    },
    { since: '1.3.0', needs: ['ip(8)'] },
  ),
  devices.must(
    'name is its name in the container',
    async (t) => {
      const names = (await withDevice(t, { conf0: { name: 'inside0' } }, ['ls', '/sys/class/net'])).split('\n');
      see(
        'names',
        ['conf0', 'inside0'].filter((name) => names.includes(name)),
        ['inside0'],
      );
    },
    { since: '1.3.0', needs: ['ip(8)'] },
  ),
  devices.must(
    'the device is up afterwards',
    async (t) => {
      const text = await withDevice(t, { conf0: {} }, ['cat', '/sys/class/net/conf0/flags']);
      match('flags', text, /^0x[0-9a-f]+\n$/);
      see('IFF_UP', Number(text) & 1, 1);
    },
    { since: '1.3.0', needs: ['ip(8)'] },
  ),
  devices.must(
    'its permanent addresses of global scope are preserved',
    async (t) => {
      const text = await withDevice(t, { conf0: {} }, ['cat', '/proc/net/fib_trie']);
      match('addresses', text, / 10\.213\.7\.1\n/);
    },
    { since: '1.3.0', needs: ['ip(8)'] },
  ),
  devices.must(
    'a device that does not exist is an error',
    (t) => t.refuses({ ...NETWORK, 'linux.netDevices': { 'no-such-device': {} } }, { sound: NETWORK }),
    { since: '1.3.0' },
  ),
];

/**
 * What the program writes when the runtime runs in a network namespace that has the device conf0 (one end of a pair, with
 * an address) and the container gets it.
 */
async function withDevice(t: Scene, netDevices: object, args: string[]): Promise<string> {
  const { env, words } = t.place;
  const holder = await t.holder(['unshare', '--net', t.probe, 'sleep', '60']);
  const within = ['nsenter', '--target', String(holder), '--net'];
  const ip = async (...more: string[]) => expectSuccess('ip', await runCommand([...within, 'ip', ...more], { env }));
  await ip('link', 'add', 'conf0', 'type', 'veth', 'peer', 'name', 'other0');
  await ip('address', 'add', '10.213.7.1/24', 'dev', 'conf0');
  await ip('link', 'set', 'other0', 'up');
  const change: Change = { ...NETWORK, 'linux.netDevices': netDevices };
  const container = t.container(args, change, { ...t.place, words: [...within, ...words] });
  await container.create();
  await container.start();
  return container.finished();
}

// What a container's files say of its networks, by the commands, in a network namespace made for the test. Needs the built dist/.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { needs } from '../../skips.js';
import { EngineRoom } from '../engine/engine-room.js';
import { canRun, Ground, needGround } from './ground.js';

const hasDnsmasq = findProgram('dnsmasq') !== undefined;
let ground: Ground;
let room: EngineRoom;

beforeAll(async () => {
  if (!canRun) return;
  ground = await Ground.start();
  room = new EngineRoom(['nsenter', `--net=${ground.host.namespace}`]);
  room.importBusybox();
});
afterAll(async () => {
  await room?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});
beforeEach(needGround);

/** Error: it fails. */
async function vlab(words: readonly string[], by: readonly string[] = []): Promise<{ stdout: string; stderr: string }> {
  const ran = await room.vlabBy(by, ...words);
  if (ran.code !== 0) throw new Error(`vlab ${words.join(' ')} ended with ${ran.code}: ${ran.stderr}`);
  return ran;
}
const line = (text: string) => text.split(' ');
const fileOf = (id: string, name: string) => readFileSync(join(room.data, 'containers', id, name), 'utf8');
const gatewayOf = async (name: string) =>
  (await vlab(['network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', name])).stdout.trim();

it('resolv.conf names the server of the first network that is left', async (context) => {
  needs(context, 'dnsmasq', hasDnsmasq);
  for (const name of ['front', 'back']) await vlab(['network', 'create', name]);
  const { stdout } = await vlab(line('run -d --name both --network front --network back busybox sleep 100'));
  const id = stdout.trim();
  expect(fileOf(id, 'resolv.conf')).toContain(`nameserver ${await gatewayOf('front')}\n`);
  await vlab(line('run -d --name db --network back busybox sleep 100'));
  await vlab(line('network disconnect front both'));
  expect(fileOf(id, 'resolv.conf')).toContain(`nameserver ${await gatewayOf('back')}\n`);
  expect(fileOf(id, 'resolv.conf')).not.toContain(await gatewayOf('front'));
  // What stands in the file stands in the container, which has it mounted, and the name is answered.
  expect((await vlab(line('exec both cat /etc/resolv.conf'))).stdout).toBe(fileOf(id, 'resolv.conf'));
  expect((await vlab(line('exec both /bin/busybox ping -c 1 -W 2 db'))).stdout).toContain('1 packets received');
  await vlab(line('rm -f both db'));
  await vlab(line('network rm front back'));
});

it('without dnsmasq names stand in /etc/hosts, which is said when the network is made', async () => {
  const dnsmasq = findProgram('dnsmasq');
  const hide = dnsmasq === undefined ? '' : `mount --bind /dev/null ${dnsmasq};`;
  const without = ['unshare', '-m', 'sh', '-ec', `${hide} exec "$@"`, 'sh'];
  const { stderr } = await vlab(['network', 'create', 'plain'], without);
  expect(stderr).toContain('dnsmasq is not installed');
  const { stdout } = await vlab(line('run -d --name one --network plain busybox sleep 100'), without);
  expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
  const two = await vlab(line('run -d --name two --network plain busybox sleep 100'), without);
  expect(two.stderr).toBe('');
  expect(fileOf(stdout.trim(), 'hosts')).toMatch(/\ttwo\.plain two /);
  expect((await vlab(line('exec one /bin/busybox ping -c 1 -W 2 two'), without)).stdout).toContain(
    '1 packets received',
  );
  await vlab(line('rm -f two'), without);
  expect(fileOf(stdout.trim(), 'hosts')).not.toContain('two.plain');
  await vlab(line('rm -f one'), without);
  await vlab(line('network rm plain'), without);
});

// `vlab run` of an ordinary user: the default network, published ports, and the network of another container. Needs the built dist/.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { needs } from '../../skips.js';
import { canRun, Ground, needGround } from './ground.js';
import { UserRoom } from './user-room.js';

const hasSlirp = findProgram('slirp4netns') !== undefined;
let ground: Ground;
let room: UserRoom;

beforeAll(async () => {
  if (!canRun || !hasSlirp) return;
  ground = await Ground.start();
  await ground.sh(ground.host, 'ip route add default via 198.51.100.2');
  await ground.serve(ground.outside, 90);
  room = await UserRoom.open(ground, 1000);
});
afterAll(async () => {
  await room?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});
beforeEach((context) => {
  needGround(context);
  needs(context, 'rootless networks', hasSlirp);
});

const ADDRESS = 'inet 10.0.2.100/24';

it('reaches the outside by the address of the host', async () => {
  const script = 'ip address show dev eth0; cat /etc/resolv.conf; nc -w 2 198.51.100.2 90 </dev/null';
  const said = await room.vlab('run', '--rm', 'busybox', 'sh', '-c', script);
  expect(said).toContain(ADDRESS);
  expect(said).toContain('nameserver 10.0.2.3');
  expect(said).toContain('198.51.100.1');
});

it('is reached by a published port, is joined by another container, and ends with what carried its packets', async () => {
  const serve = ['busybox', 'sh', '-c', 'while :; do echo served | nc -l -p 80; done'];
  await room.vlab('run', '-d', '--name', 'web', '-p', '8300:80', ...serve);
  // nc is there a moment after the container.
  await expect.poll(() => ground.seen(ground.outside, '198.51.100.1', 8300), { timeout: 5000 }).toBe('served');
  expect(await room.vlab('port', 'web')).toBe('80/tcp -> 0.0.0.0:8300\n');
  const join = 'ip address show dev eth0; cat /etc/hosts; nc -w 2 127.0.0.1 80 </dev/null';
  const said = await room.vlab('run', '--rm', '--network', 'container:web', 'busybox', 'sh', '-c', join);
  expect(said).toContain(ADDRESS);
  expect(said).toMatch(/^10\.0\.2\.100\t[0-9a-f]{12}$/m);
  expect(said).toContain('served');
  await room.vlab('rm', '-f', 'web');
  expect(await ground.seen(ground.outside, '198.51.100.1', 8300)).toBeUndefined();
});

it('has nothing but lo without a network, and is refused networks of its own', async () => {
  const links = await room.vlab('run', '--rm', '--network', 'none', 'busybox', 'ip', '-o', 'link');
  expect(links.trim().split('\n').length).toBe(1);
  await expect(room.vlab('network', 'create', 'own')).rejects.toThrow('only root may make networks');
  await expect(room.vlab('run', '--rm', '--network', 'own', 'busybox', 'true')).rejects.toThrow('without root');
});

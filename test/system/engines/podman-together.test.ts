// Containers that share something, are built, or are many. Needs root, podman and dist/ (npm test builds it).
import { afterEach, describe, expect, it } from 'vitest';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { buildFile } from './attempts.js';
import { hasCniPlugins, writeNetwork } from './cni.js';
import { type Podman, withPodman } from './podman-room.js';
import { EITHER_WAY, WAYS } from './runtimes.js';

const links = (...names: string[]) => names.map((name) => `readlink /proc/self/ns/${name}`).join('; ');

describe.each(WAYS)('podman, %s', (way) => {
  let podman: Podman;
  withPodman(way, (own) => {
    podman = own;
  });
  afterEach(async () => void (await podman?.run('rm', '-fa', '-t0')));

  describe('a pod', () => {
    it('shares network, IPC and names; each has its own processes', async () => {
      const infra = ['--infra-image=bb', '--infra-command=sleep 100'];
      await podman.ask(
        'pod',
        'create',
        '--name=p',
        '--network=none',
        '--share=net,ipc,uts',
        '--hostname=together',
        ...infra,
      );
      for (const name of ['a', 'b']) await podman.ask('run', '-d', `--name=${name}`, '--pod=p', 'bb', 'sleep', '100');
      const seen = (name: string, ...kinds: string[]) => podman.ask('exec', name, 'sh', '-c', links(...kinds));
      expect(await seen('a', 'net', 'ipc', 'uts')).toBe(await seen('b', 'net', 'ipc', 'uts'));
      expect(await seen('a', 'pid')).not.toBe(await seen('b', 'pid'));
      expect(await podman.ask('exec', 'a', 'hostname')).toBe('together');
      await podman.ask('exec', '-d', 'a', 'sh', '-c', 'echo over the loopback | nc -l -p 80');
      await until(
        async () => (await podman.run('exec', 'b', 'nc', '-w2', '127.0.0.1', '80')).stdout === 'over the loopback\n',
        'b hears a',
      );
      await podman.ask('pod', 'pause', 'p');
      await podman.ask('pod', 'unpause', 'p');
      await podman.ask('pod', 'stop', '-t0', 'p');
      await podman.ask('pod', 'start', 'p');
      expect(await podman.ask('exec', 'b', 'echo', 'again')).toBe('again');
      await podman.ask('pod', 'rm', '-f', '-t0', 'p');
    });

    it('can share processes', async () => {
      await podman.ask('run', '-d', '--name=a', 'bb', 'sleep', '100');
      expect(
        await podman.says(['--pid=container:a', '--network=container:a', '--ipc=container:a'], 'ps -o pid,args'),
      ).toMatch(/^ *1 sleep 100$/m);
    });
  });

  describe('a network', () => {
    it('is made by the engine, and joined by its path', async (context) => {
      needs(context, 'cni plugins', hasCniPlugins);
      writeNetwork(podman.room);
      await podman.ask('run', '-d', '--name=a', '--network=room', '--ip=10.199.7.5', 'bb', 'sleep', '100');
      await podman.ask('exec', '-d', 'a', 'sh', '-c', 'echo over the bridge | nc -l -p 80');
      const ask = 'nc -w2 10.199.7.5 80; ip -o -4 addr show eth0 | tr -s " " | cut -d" " -f4';
      await until(async () => {
        const said = await podman.says(['--network=room'], ask);
        return /^over the bridge\n10\.199\.7\.\d+\/24$/.test(said);
      }, 'one hears the other');
    });

    it('can be any that there is', async () => {
      await podman.room.ask(['ip', 'netns', 'add', 'n']);
      await podman.room.ask(['ip', '-n', 'n', 'link', 'add', 'here', 'type', 'veth', 'peer', 'name', 'there']);
      expect(await podman.says(['--network=ns:/run/netns/n'], 'ls /sys/class/net')).toBe('here\nlo\nthere');
      await podman.room.ask(['ip', 'netns', 'del', 'n']);
    });
  });

  // podman gives them a mount namespace of their own already; the planner is in another one.
  describe('ids', () => {
    const either = () => podman.using(EITHER_WAY);
    const script =
      'cat /proc/self/uid_map | tr -s " "; stat -c "%u %g" /etc/passwd; touch /x && stat -c %u /x; touch /proc/sys/kernel/domainname 2>&1; true';

    it('are mapped as asked', async () => {
      expect(await either().says(['--uidmap=0:100000:2000', '--gidmap=0:100000:2000'], script)).toMatch(
        /^ 0 100000 2000\n0 0\n0\ntouch: .*(denied|permitted|Read-only)/,
      );
    });

    it('are mapped to a range that nobody else has', async () => {
      podman.room.write('/etc/subuid', 'containers:200000:100000\n');
      podman.room.write('/etc/subgid', 'containers:200000:100000\n');
      const ranges = await Promise.all(
        [1, 2].map((n) =>
          either()
            .ask('run', '-d', `--name=u${n}`, '--userns=auto:size=1500', 'bb', 'sleep', '100')
            .then(() => either().ask('exec', `u${n}`, 'cat', '/proc/self/uid_map')),
        ),
      );
      expect(ranges.map((range) => range.trim().split(/ +/)).sort()).toEqual([
        ['0', '200000', '1500'],
        ['0', '201500', '1500'],
      ]);
      expect(
        await either().ask('exec', '-u', '1000:44', 'u1', 'sh', '-c', 'id -u; touch /tmp/x && stat -c %u:%g /tmp/x'),
      ).toBe('1000\n1000:44');
    });
  });

  // It gives each step a mount namespace, too.
  it('builds an image in steps', async () => {
    podman.room.write('/run/room/build/file', 'copied\n');
    podman.room.write('/run/room/build/Containerfile', buildFile('localhost/bb'));
    await podman.ask('build', '--isolation=oci', `--runtime=${EITHER_WAY}`, '-t', 'built', '/run/room/build');
    expect(await podman.ask('run', '--rm', 'built')).toBe('copied by 0\n1000\n/made\ny');
    const failed = podman.room.write('/run/room/build/Failing', 'FROM localhost/bb\nRUN exit 7\n');
    const { code, stderr } = await podman.run('build', '--isolation=oci', `--runtime=${EITHER_WAY}`, '-f', failed);
    expect([code, stderr]).toEqual([7, expect.stringContaining('exit status 7')]);
    await podman.ask('rmi', '-f', 'built');
  });

  it('ten at once', async () => {
    const ten = Array.from({ length: 10 }, (_, index) => `${index}`);
    expect(await Promise.all(ten.map((index) => podman.says([], `echo ${index}`)))).toEqual(ten);
  }, 60_000);
});

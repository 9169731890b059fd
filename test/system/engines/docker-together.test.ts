// Containers of docker's that share something, are built, are many, or outlive the daemon. Needs root, docker.io and dist/
// (npm test builds it).
import { afterEach, describe, expect, it } from 'vitest';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { buildFile } from './attempts.js';
import { type Docker, withDocker } from './docker-room.js';
import { WAYS } from './runtimes.js';

describe.each(WAYS)('docker, %s', (way) => {
  let docker: Docker;
  withDocker({ way, flags: ['--live-restore'] }, (own) => {
    docker = own;
  });

  /** Otherwise the room's dockerd has no network. */
  const hasBridge = async () => (await docker.run('network', 'inspect', 'bridge')).code === 0;

  it('a network', async (context) => {
    needs(context, 'bridge', await hasBridge());
    await docker.ask('network', 'create', '--subnet=10.199.8.0/24', 'room');
    const serves = 'while :; do echo over the bridge | nc -l -p 80; done';
    await docker.ask('run', '-d', '--name=web', '--network=room', '--ip=10.199.8.5', 'bb', 'sh', '-c', serves);
    const ask = 'nc -w2 web 80; ip -o -4 addr show eth0 | tr -s " " | cut -d" " -f4';
    await until(
      async () => /^over the bridge\n10\.199\.8\.\d+\/24$/.test(await docker.says(['--network=room'], ask)),
      'one hears the other',
    );
    // One that runs already is given another network.
    await docker.ask('run', '-d', '--name=late', '--network=none', 'bb', 'sleep', '100');
    await docker.ask('network', 'disconnect', 'none', 'late');
    await docker.ask('network', 'connect', 'room', 'late');
    expect(await docker.ask('exec', 'late', 'nc', '-w2', 'web', '80')).toBe('over the bridge');
    await docker.ask('rm', '-f', 'web', 'late');
    await docker.ask('network', 'rm', 'room');
  });

  describe('build', () => {
    afterEach(async () => void (await docker.run('rmi', '-f', 'built')));

    const builds = async (env: Readonly<Record<string, string>>) => {
      docker.room.write('/run/room/build/file', 'copied\n');
      docker.room.write('/run/room/build/Dockerfile', buildFile('bb'));
      const failing = docker.room.write('/run/room/build/Failing', 'FROM bb\nRUN exit 7\n');
      const ran = await docker.with({ env }, 'build', '--no-cache', '-t', 'built', '/run/room/build');
      if (ran.code !== 0) throw new Error(ran.stderr);
      expect(await docker.ask('run', '--rm', 'built')).toBe('copied by 0\n1000\n/made\ny');
      const failed = await docker.with({ env }, 'build', '-f', failing, '/run/room/build');
      expect(failed.code).not.toBe(0);
      expect(failed.stderr).toMatch(/exit code: 7|returned a non-zero code: 7/);
    };

    it('by the classic builder', async () => {
      await builds({ DOCKER_BUILDKIT: '0' });
    });

    it('by BuildKit, which runs its steps by whatever is called runc', async (context) => {
      needs(context, 'bridge', await hasBridge());
      await docker.room.ask(['ln', '-sf', 'vlab-oci', '/usr/local/bin/runc']);
      expect(await docker.room.ask(['sh', '-c', 'command -v runc'])).toBe('/usr/local/bin/runc');
      await builds({ DOCKER_BUILDKIT: '1' });
    });
  });

  it('lives on without the daemon', async () => {
    await docker.ask('run', '-d', '--name=lives', 'bb', 'sh', '-c', 'trap "exit 4" TERM; while :; do sleep 0.05; done');
    const pid = await docker.inspect('lives', '{{.State.Pid}}');
    await docker.restartDaemon(['--live-restore']);
    expect(await docker.inspect('lives', '{{.State.Pid}} {{.State.Status}}')).toBe(`${pid} running`);
    expect(await docker.ask('exec', 'lives', 'echo', 'still')).toBe('still');
    await docker.ask('stop', 'lives');
    expect(await docker.inspect('lives', '{{.State.ExitCode}}')).toBe('4');
    await docker.ask('rm', 'lives');
  });

  it('ten at once', async () => {
    const ten = Array.from({ length: 10 }, (_, index) => `${index}`);
    expect(await Promise.all(ten.map((index) => docker.says([], `echo ${index}`)))).toEqual(ten);
  }, 60_000);
});

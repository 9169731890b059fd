// docker whose containers have a user namespace. Needs root, docker.io and dist/ (npm test builds it).
import { describe, expect, it } from 'vitest';
import { type Docker, withDocker } from './docker-room.js';
import type { EngineRoom } from './engine-room.js';
import { WAYS } from './runtimes.js';

const MAP = ' 0 300000 65536\n';

function withIds(room: EngineRoom): void {
  room.append('/etc/passwd', 'mapped:x:1300:1300::/:/bin/sh\n');
  room.append('/etc/group', 'mapped:x:1300:\n');
  for (const file of ['/etc/subuid', '/etc/subgid']) room.write(file, 'mapped:300000:65536\n');
}

describe.each(WAYS)('docker with --userns-remap, %s', (way) => {
  let docker: Docker;
  withDocker({ way, flags: ['--userns-remap=mapped'], prepare: withIds }, (own) => {
    docker = own;
  });

  it('root is somebody else outside, and owns the image', async () => {
    const script = 'cat /proc/self/uid_map | tr -s " "; stat -c "%u %g" /etc/passwd; touch /x && stat -c %u /x';
    expect(await docker.says([], script)).toBe(`${MAP}0 0\n0`);
    await docker.room.ask(['install', '-d', '-m777', '/run/room/shared']);
    await docker.says(['-v=/run/room/shared:/v'], 'touch /v/x');
    expect(await docker.room.ask(['stat', '-c', '%u:%g', '/run/room/shared/x'])).toBe('300000:300000');
  });

  it('programs in it, a terminal, another user, the end', async () => {
    await docker.ask('run', '-d', '--name=one', '--init', 'bb', 'sleep', '100');
    expect(
      await docker.ask('exec', '-u', '1000:44', 'one', 'sh', '-c', 'id -u; cat /proc/self/uid_map | tr -s " "'),
    ).toBe(`1000\n${MAP.trimEnd()}`);
    expect((await docker.onTerminal('exec', '-it', 'one', 'tty')).stdout).toContain('/dev/pts/');
    await docker.ask('pause', 'one');
    await docker.ask('unpause', 'one');
    await docker.ask('stop', '-t1', 'one');
    await docker.ask('rm', 'one');
  });

  it("none for who asks for the host's", async () => {
    const map = await docker.room.ask(['sh', '-c', 'cat /proc/self/uid_map | tr -s " "']);
    expect(await docker.says(['--userns=host'], 'cat /proc/self/uid_map | tr -s " "')).toBe(map);
  });
});

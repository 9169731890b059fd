// What podman's flags make of a container. Needs root, podman and dist/ (npm test builds it).
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../skips.js';
import { NO_DIRECTORIES, USE_PRIVILEGES } from './attempts.js';
import { changed, given, onVersion1 } from './limits.js';
import { type Podman, withPodman } from './podman-room.js';
import { WAYS } from './runtimes.js';

const CAP_SYS_ADMIN = 21n;
const status = (...names: string[]) => `grep -E "^(${names.join('|')}):" /proc/self/status | tr -d "\\t"`;

describe.each(WAYS)('podman, %s', (way) => {
  let podman: Podman;
  withPodman(way, (own) => {
    podman = own;
  });
  const says = (flags: string[], script: string) => podman.says(flags, script);

  describe('identity', () => {
    it('is the user and groups that are asked for', async () => {
      expect(await says(['--user=1000:1000', '--group-add=44', '--umask=0077'], 'id; umask')).toBe(
        'uid=1000(user) gid=1000(user) groups=44(more),1000(user)\n0077',
      );
    });

    it('has the capabilities that are asked for', async () => {
      const all = status('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb');
      const sets = (mask: string) => [
        'CapInh:0000000000000000',
        ...['Prm', 'Eff', 'Bnd'].map((set) => `Cap${set}:${mask}`),
      ];
      const none = 'CapAmb:0000000000000000';
      expect((await says(['--cap-drop=all', '--cap-add=net_bind_service'], all)).split('\n')).toEqual([
        ...sets('0000000000000400'),
        none,
      ]);
      const [, permitted, effective, bounding] = (await says([], all))
        .split('\n')
        .map((line) => BigInt(`0x${line.split(':')[1]}`));
      expect([permitted, effective]).toEqual([bounding, bounding]);
      expect((effective ?? 0n) & (1n << CAP_SYS_ADMIN)).toBe(0n);
      expect(await says(['--user=1000', '--cap-add=net_raw'], all)).toContain('CapEff:0000000000002000\n');
    });

    it('is confined by the default filter, or by none', async () => {
      const seen = status('NoNewPrivs', 'Seccomp', 'Seccomp_filters');
      expect(await says([], seen)).toBe('NoNewPrivs:0\nSeccomp:2\nSeccomp_filters:1');
      expect(await says(['--security-opt=no-new-privileges', '--security-opt=seccomp=unconfined'], seen)).toBe(
        'NoNewPrivs:1\nSeccomp:0\nSeccomp_filters:0',
      );
    });

    it('is confined by a filter of the user', async () => {
      podman.room.write('/run/room/filter.json', NO_DIRECTORIES);
      expect(await says(['--security-opt=seccomp=/run/room/filter.json'], 'mkdir /x 2>&1; true')).toContain(
        'No space left on device',
      );
    });

    it('has every privilege', async () => {
      expect(await says(['--privileged'], USE_PRIVILEGES)).toBe('mounted\ndevices\nwritable');
    });
  });

  describe('file systems', () => {
    beforeAll(() => {
      podman?.room.write('/run/room/volume/file', 'of the host\n');
    });

    it('the root is read-only, and some places are not', async () => {
      const script = 'touch /x 2>&1; touch /scratch/x /tmp/x /run/x && df -k /scratch | tail -1 | tr -s " "';
      expect(await says(['--read-only', '--tmpfs=/scratch:size=1m'], script)).toBe(
        'touch: /x: Read-only file system\ntmpfs 1024 0 1024 0% /scratch',
      );
    });

    it('volumes are written or only read; labels that nobody has are ignored', async () => {
      expect(await says(['-v=/run/room/volume:/v:ro'], 'cat /v/file; touch /v/x 2>&1; true')).toBe(
        'of the host\ntouch: /v/x: Read-only file system',
      );
      await says(['-v=/run/room/volume:/new/place:rw,Z'], 'echo inside > /new/place/other');
      expect(await podman.room.ask(['cat', '/run/room/volume/other'])).toBe('inside');
    });

    it('a volume has options, and outlives its container', async () => {
      await podman.ask('volume', 'create', 'kept');
      await says(
        ['-v=kept:/v:noexec,nodev,nosuid'],
        'echo kept > /v/x; cp /bin/busybox /v/; ! /v/busybox true 2>/dev/null',
      );
      expect(await says(['-v=kept:/v'], 'cat /v/x')).toBe('kept');
      await podman.ask('volume', 'rm', 'kept');
    });

    it('mounts have flags and a propagation', async () => {
      const flags = [
        '--mount=type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700',
        '--mount=type=bind,src=/run/room/volume,dst=/b,ro,bind-propagation=rslave',
      ];
      expect(
        await says(
          flags,
          'stat -c %a /t; grep " /b " /proc/self/mountinfo | cut -d" " -f6; touch /t/x && echo written',
        ),
      ).toBe('700\nro,relatime\nwritten');
    });

    it('a tmpfs begins with what the image has there', async () => {
      expect(
        await says(
          ['--tmpfs=/etc:size=1m'],
          'ls /etc | grep -E "^(passwd|group)$"; grep " /etc " /proc/mounts | cut -d" " -f3',
        ),
      ).toBe('group\npasswd\ntmpfs');
    });

    it('secrets are files or variables', async () => {
      podman.room.write('/run/room/secret', 'hush');
      await podman.ask('secret', 'create', 'one', '/run/room/secret');
      expect(
        await says(
          ['--secret=one,uid=1000,mode=0400', '--secret=one,type=env,target=ONE'],
          'cat /run/secrets/one; stat -c " %u %a" /run/secrets/one; echo $ONE',
        ),
      ).toBe('hush 1000 400\nhush');
      await podman.ask('secret', 'rm', 'one');
    });

    it('a device is there, and can be opened', async () => {
      expect(
        await says(
          ['--device=/dev/zero:/dev/nothing:rw'],
          'stat -c "%t:%T" /dev/nothing; head -c 3 /dev/nothing | wc -c',
        ),
      ).toBe('1:5\n3');
      // Made by the container itself, it is not: --tmpfs alone would be nodev.
      const script = 'mknod /d/x c 10 229 && (: < /d/x) 2>&1; true';
      expect(await says(['--tmpfs=/d:dev', '--cap-add=mknod'], script)).toContain('Operation not permitted');
    });
  });

  describe('limits', () => {
    it('of memory, processors and processes', async () => {
      expect(await says(given.flags, given.reads.join(' '))).toBe(given.says);
    });

    it('of processors by their numbers', async (context) => {
      needs(context, 'cgroup v1', onVersion1);
      expect(await says(['--cpuset-cpus=0'], 'cat /sys/fs/cgroup/cpuset/cpuset.cpus')).toBe('0');
    });

    it('hold: too much memory is the end, and is told', async () => {
      await podman.run(
        'run',
        '--name=m',
        '--memory=16m',
        '--memory-swap=16m',
        'bb',
        'sh',
        '-c',
        'dd if=/dev/zero of=/dev/null bs=64M count=1',
      );
      expect(await podman.ask('inspect', '-f', '{{.State.ExitCode}}', 'm')).toBe('137');
      await podman.ask('rm', 'm');
      const many = await podman.once(['--pids-limit=5'], 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done');
      expect(many.stderr).toContain("can't fork");
    });

    it('of the process', async () => {
      const flags = ['--ulimit=nofile=100:200', '--ulimit=nproc=1000:2000', '--oom-score-adj=500'];
      expect(await says(flags, 'ulimit -Sn; ulimit -Hn; ulimit -Su; cat /proc/self/oom_score_adj')).toBe(
        '100\n200\n1000\n500',
      );
    });

    it('are changed while it runs', async () => {
      await podman.ask('run', '-d', '--name=m', '--memory=64m', 'bb', 'sleep', '100');
      await podman.ask('update', ...changed.flags, 'm');
      expect(await podman.ask('exec', 'm', ...changed.reads)).toBe(changed.says);
      await podman.ask('rm', '-f', '-t0', 'm');
    });
  });

  describe('surroundings', () => {
    it('names, variables, files and settings', async () => {
      podman.room.write('/run/room/variables', 'A=from a file\n');
      const flags = [
        '--hostname=inside',
        '--env-file=/run/room/variables',
        '--env=B=given',
        '--sysctl=kernel.msgmax=4096',
        '--shm-size=1m',
        '--workdir=/tmp',
        '--add-host=friend:192.0.2.77',
      ];
      expect(
        await says(
          flags,
          'hostname; echo $A, $B; cat /proc/sys/kernel/msgmax; df -k /dev/shm | tail -1 | tr -s " "; pwd; grep -c ^192.0.2.77 /etc/hosts',
        ),
      ).toBe('inside\nfrom a file, given\n4096\nshm 1024 0 1024 0% /dev/shm\n/tmp\n1');
    });

    it('a working directory that is not there', async () => {
      const { code, stderr } = await podman.once(['--workdir=/missing/too'], 'pwd');
      expect([code, stderr]).toEqual([126, expect.stringContaining('workdir "/missing/too" does not exist')]);
    });

    it('a first process that reaps', async (context) => {
      needs(context, 'catatonit', existsSync('/usr/bin/catatonit'));
      expect(await says(['--init'], 'ps -o pid,args')).toMatch(/^PID +COMMAND\n +1 \/run\/podman-init -- sh -c/);
    });

    it("namespaces of the host's", async () => {
      const names = ['pid', 'ipc', 'uts', 'net', 'cgroup'];
      const script = names.map((name) => `readlink /proc/self/ns/${name}`).join('; ');
      const host = await podman.room.ask(['sh', '-c', script]);
      expect(await says(['--pid=host', '--ipc=host', '--uts=host', '--network=host', '--cgroupns=host'], script)).toBe(
        host,
      );
      const own = (await says(['--pid=private', '--ipc=private', '--uts=private', '--cgroupns=private'], script)).split(
        '\n',
      );
      for (const [index, link] of host.split('\n').entries()) expect(own[index]).not.toBe(link);
    });

    it('everything that a system in it needs', async (context) => {
      needs(context, 'cgroup v1', onVersion1);
      const script =
        'echo $container; mkdir /sys/fs/cgroup/systemd/mine && rmdir /sys/fs/cgroup/systemd/mine && echo delegated; grep -cE " /(run|run/lock|tmp|var/log/journal) tmpfs " /proc/mounts';
      expect(await says(['--systemd=always'], script)).toBe('podman\ndelegated\n4');
    });

    it('no cgroup of its own', async () => {
      // grep ends with 1 when no line fits, and with 2 when it could not read the file.
      const script = 'grep -c libpod /proc/self/cgroup; [ $? -eq 1 ]';
      expect(await says(['--cgroups=disabled', '--cgroupns=host'], script)).toBe('0');
    });
  });
});

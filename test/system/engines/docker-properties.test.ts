// What docker's flags make of a container. Needs root, docker.io and dist/ (npm test builds it).
import { beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../skips.js';
import { NO_DIRECTORIES, USE_PRIVILEGES } from './attempts.js';
import { type Docker, withDocker } from './docker-room.js';
import { changed, given, onVersion1 } from './limits.js';
import { WAYS } from './runtimes.js';

const status = (...names: string[]) => `grep -E "^(${names.join('|')}):" /proc/self/status | tr -d "\\t"`;

describe.each(WAYS)('docker, %s', (way) => {
  let docker: Docker;
  withDocker({ way, configured: 'by flag' }, (own) => {
    docker = own;
  });
  const says = (flags: string[], script: string) => docker.says(flags, script);

  describe('identity', () => {
    it('is the user and groups that are asked for', async () => {
      expect(await says(['--user=1000:1000', '--group-add=44'], 'id')).toBe(
        'uid=1000(user) gid=1000(user) groups=44(more),1000(user)',
      );
    });

    it('has the capabilities that are asked for', async () => {
      const all = status('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb');
      expect(await says(['--cap-drop=all', '--cap-add=net_bind_service'], all)).toBe(
        'CapInh:0000000000000000\nCapPrm:0000000000000400\nCapEff:0000000000000400\nCapBnd:0000000000000400\nCapAmb:0000000000000000',
      );
      expect(await says(['--cap-drop=chown'], status('CapEff'))).toBe('CapEff:00000000a80425fa');
      expect(await says(['--user=1000'], status('CapEff', 'CapBnd'))).toBe(
        'CapEff:0000000000000000\nCapBnd:00000000a80425fb',
      );
    });

    it('is confined by the default filter, by none, or by one of the user', async () => {
      const seen = status('NoNewPrivs', 'Seccomp', 'Seccomp_filters');
      expect(await says([], seen)).toBe('NoNewPrivs:0\nSeccomp:2\nSeccomp_filters:1');
      expect(await says(['--security-opt=no-new-privileges', '--security-opt=seccomp=unconfined'], seen)).toBe(
        'NoNewPrivs:1\nSeccomp:0\nSeccomp_filters:0',
      );
      docker.room.write('/run/room/filter.json', NO_DIRECTORIES);
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
      docker?.room.write('/run/room/volume/file', 'of the host\n');
    });

    it('the root is read-only, but for a tmpfs', async () => {
      const script = 'touch /x 2>&1; touch /scratch/x && df -k /scratch | tail -1 | tr -s " "';
      expect(await says(['--read-only', '--tmpfs=/scratch:size=1m'], script)).toBe(
        'touch: /x: Read-only file system\ntmpfs 1024 0 1024 0% /scratch',
      );
    });

    it('volumes are written or only read', async () => {
      expect(await says(['-v=/run/room/volume:/v:ro'], 'cat /v/file; touch /v/x 2>&1; true')).toBe(
        'of the host\ntouch: /v/x: Read-only file system',
      );
      await says(['-v=/run/room/volume:/new/place'], 'echo inside > /new/place/other');
      expect(await docker.room.ask(['cat', '/run/room/volume/other'])).toBe('inside');
    });

    it('a volume begins with what the image has there, and outlives its container', async () => {
      await says(['-v=kept:/etc'], 'echo kept > /etc/x');
      expect(await says(['-v=kept:/v'], 'cat /v/x; grep -c user /v/passwd')).toBe('kept\n1');
      await docker.ask('volume', 'rm', 'kept');
    });

    it('mounts have flags and a propagation', async () => {
      const share = 'mkdir "$0" && mount -t tmpfs none "$0" && mount --make-shared "$0"';
      await docker.room.ask(['sh', '-c', share, '/run/room/shared']);
      const flags = [
        '--mount=type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700',
        '--mount=type=bind,src=/run/room/shared,dst=/b,readonly,bind-propagation=rslave',
      ];
      const script = 'stat -c %a /t; grep " /b " /proc/self/mountinfo | cut -d" " -f6,7; touch /t/x && echo written';
      expect(await says(flags, script)).toMatch(/^700\nro,relatime master:\d+\nwritten$/);
      await docker.room.ask(['umount', '/run/room/shared']);
    });

    it('a device is there, and can be opened; one that the container makes cannot', async () => {
      const script = 'stat -c "%t:%T" /dev/nothing; head -c 3 /dev/nothing | wc -c';
      expect(await says(['--device=/dev/zero:/dev/nothing:rw'], script)).toBe('1:5\n3');
      expect(await says([], 'mknod /x c 10 229 && (: < /x) 2>&1; true')).toContain('Operation not permitted');
      expect(await says(['--device-cgroup-rule=c 1:5 rwm'], 'mknod /x c 1 5 && head -c 3 /x | wc -c')).toBe('3');
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
      // Not at once: containerd's shim looks for it only when `start` has returned.
      const eats = ['sh', '-c', 'sleep 1; exec dd if=/dev/zero of=/dev/null bs=64M count=1'];
      await docker.run('run', '--name=eats', '--memory=16m', '--memory-swap=16m', 'bb', ...eats);
      expect(await docker.inspect('eats', '{{.State.ExitCode}} {{.State.OOMKilled}}')).toBe('137 true');
      await docker.ask('rm', 'eats');
      const many = await docker.once(['--pids-limit=5'], 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done');
      expect(many.stderr).toContain("can't fork");
    });

    it('of the process', async () => {
      const flags = ['--ulimit=nofile=100:200', '--ulimit=nproc=1000:2000', '--oom-score-adj=500'];
      expect(await says(flags, 'ulimit -Sn; ulimit -Hn; ulimit -Su; cat /proc/self/oom_score_adj')).toBe(
        '100\n200\n1000\n500',
      );
    });

    it('are changed while it runs', async () => {
      await docker.ask('run', '-d', '--name=changes', '--memory=64m', 'bb', 'sleep', '100');
      await docker.ask('update', ...changed.flags, '--memory-swap=128m', 'changes');
      expect(await docker.ask('exec', 'changes', ...changed.reads)).toBe(changed.says);
      await docker.ask('rm', '-f', 'changes');
    });
  });

  describe('surroundings', () => {
    it('names, variables, files and settings', async () => {
      docker.room.write('/run/room/variables', 'A=from a file\n');
      const flags = [
        '--hostname=inside',
        '--env-file=/run/room/variables',
        '--env=B=given',
        '--sysctl=kernel.msgmax=4096',
        '--shm-size=1m',
        '--workdir=/made/for/it',
        '--add-host=friend:192.0.2.77',
      ];
      const script =
        'hostname; echo $A, $B; cat /proc/sys/kernel/msgmax; df -k /dev/shm | tail -1 | tr -s " "; pwd; grep -c ^192.0.2.77 /etc/hosts';
      expect(await says(flags, script)).toBe(
        'inside\nfrom a file, given\n4096\nshm 1024 0 1024 0% /dev/shm\n/made/for/it\n1',
      );
    });

    it('a first process that reaps', async () => {
      expect(await says(['--init'], 'ps -o pid,args')).toMatch(/^PID +COMMAND\n +1 \/sbin\/docker-init -- sh -c/);
    });

    it("namespaces of the host's, or its own", async () => {
      const names = ['pid', 'ipc', 'uts', 'net', 'cgroup'];
      const script = names.map((name) => `readlink /proc/self/ns/${name}`).join('; ');
      const host = await docker.room.ask(['sh', '-c', script]);
      const shared = ['--pid=host', '--ipc=host', '--uts=host', '--network=host', '--cgroupns=host'];
      expect(await says(shared, script)).toBe(host);
      const own = (await says(['--ipc=private', '--network=none', '--cgroupns=private'], script)).split('\n');
      for (const [index, link] of host.split('\n').entries()) expect(own[index]).not.toBe(link);
    });

    it("namespaces of another container's", async () => {
      await docker.ask('run', '-d', '--name=first', '--ipc=shareable', 'bb', 'sleep', '100');
      const script = ['ipc', 'net', 'pid'].map((name) => `readlink /proc/self/ns/${name}`).join('; ');
      const flags = ['--ipc=container:first', '--network=container:first', '--pid=container:first'];
      expect(await says(flags, script)).toBe(await docker.ask('exec', 'first', 'sh', '-c', script));
      await docker.ask('rm', '-f', 'first');
    });
  });
});

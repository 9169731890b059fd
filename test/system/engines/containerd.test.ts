// Containers of containerd's, made by its runc shim with vlab-oci. Needs root, containerd and dist/ (npm test builds it).
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../sys/own-launcher.js';
import { type Containerd, withContainerd } from './containerd-room.js';
import { BOTH_WAYS } from './runtimes.js';

/** ctr gives the terminal its size a moment after the start. */
const SIZED = 'tty; while [ "$(stty size 2>&1)" != "40 100" ]; do sleep 0.05; done; stty size; exit 6';

describe.each(BOTH_WAYS)('containerd, %s', (way) => {
  let containerd: Containerd;
  withContainerd(way, (own) => {
    containerd = own;
  });

  describe('ctr run', () => {
    it('carries output and the exit code', async () => {
      expect(await containerd.start('c', ['--rm'], 'sh', '-c', 'echo out; echo err >&2; exit 5')).toEqual({
        code: 5,
        stdout: 'out\n',
        stderr: 'err\n',
      });
    });

    it.each([
      ['missing', 'exec: "missing": executable file not found in $PATH'],
      ['/plain', 'exec: "/plain": permission denied'],
      ['/etc', 'exec: "/etc": permission denied'],
      ['/unknown', 'exec format error'],
    ])('tells why %s cannot be run', async (program, text) => {
      const { code, stderr } = await containerd.start('c', ['--rm'], program);
      expect([code, stderr]).toEqual([1, expect.stringContaining(text)]);
    });

    it('gives it a terminal', async () => {
      const { code, stdout } = await containerd.startOnTerminal('c', ['--rm'], 'sh', '-c', SIZED);
      expect(stdout.replaceAll(/\r+/g, '')).toBe('/dev/pts/0\n40 100\n');
      expect(code).toBe(6);
    });

    it('mounts, variables, a directory, a read-only root', async () => {
      containerd.room.write('/run/room/volume/file', 'of the host\n');
      const flags = [
        '--rm',
        '--read-only',
        '--mount=type=bind,src=/run/room/volume,dst=/v,options=rbind:ro',
        '--cwd=/tmp',
        '--env=A=b',
      ];
      const script = 'cat /v/file; pwd; echo $A; touch /x 2>&1; touch /v/x 2>&1; true';
      expect((await containerd.start('c', flags, 'sh', '-c', script)).stdout).toBe(
        'of the host\n/tmp\nb\ntouch: /x: Read-only file system\ntouch: /v/x: Read-only file system\n',
      );
    });

    it('privileges and namespaces', async () => {
      const status = 'grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status | tr -d "\\t"';
      const says = async (flags: string[]) =>
        (await containerd.start('c', ['--rm', ...flags], 'sh', '-c', status)).stdout;
      expect(await says(['--seccomp', '--cap-drop=CAP_CHOWN'])).toBe(
        'CapEff:00000000a80425fa\nNoNewPrivs:1\nSeccomp:2\n',
      );
      const all = await containerd.room.ask(['sh', '-c', 'grep CapBnd /proc/self/status | cut -f2']);
      expect(await says(['--privileged', '--allow-new-privs'])).toBe(`CapEff:${all}\nNoNewPrivs:0\nSeccomp:0\n`);
      const net = ['sh', '-c', 'readlink /proc/self/ns/net'];
      expect((await containerd.start('c', ['--rm', '--net-host'], ...net)).stdout.trim()).toBe(
        await containerd.room.ask(net),
      );
      await containerd.room.ask(['ip', 'netns', 'add', 'n']);
      const joined = await containerd.start('c', ['--rm', '--with-ns=network:/run/netns/n'], ...net);
      expect(joined.stdout.trim()).toBe(await containerd.room.ask(['ip', 'netns', 'exec', 'n', ...net]));
      await containerd.room.ask(['ip', 'netns', 'del', 'n']);
    });

    it('a user namespace', async () => {
      const flags = ['--rm', '--uidmap=0:100000:1000', '--gidmap=0:100000:1000'];
      const { stdout } = await containerd.start('c', flags, 'sh', '-c', 'id -u; cat /proc/self/uid_map | tr -s " "');
      expect(stdout).toBe('0\n 0 100000 1000\n');
    });

    it('a directory for its root', async () => {
      const words = [
        'run',
        '--rm',
        '--runc-binary=/usr/local/bin/vlab-oci',
        `--cgroup=${containerd.room.cgroup}/r`,
        '--rootfs',
      ];
      expect(await containerd.ask(...words, '/run/room/image', 'r', '/bin/echo', 'hello')).toBe('hello');
    });
  });

  describe('a task in the background', () => {
    beforeEach(async () => {
      const flags = ['-d', '--memory-limit=67108864', '--cpus=0.5'];
      const { stderr, code } = await containerd.start(
        'c',
        flags,
        'sh',
        '-c',
        'trap "exit 9" TERM; while :; do sleep 0.05; done',
      );
      expect([code, stderr]).toEqual([0, '']);
    });
    afterEach(() => containerd.remove('c'));

    const state = async () => /^c +\d+ +(\w+)/m.exec(await containerd.ask('task', 'ls'))?.[1];

    it('takes further programs', async () => {
      const exec = (id: string, ...command: string[]) =>
        containerd.run('task', 'exec', `--exec-id=${id}`, 'c', ...command);
      expect(await exec('e1', 'sh', '-c', 'echo in; exit 4')).toMatchObject({ code: 4, stdout: 'in\n' });
      expect((await exec('e2', 'missing')).stderr).toContain('exec: "missing": executable file not found in $PATH');
      const { stdout } = await containerd.room.onTerminal(['ctr', 'task', 'exec', '--exec-id=e3', '-t', 'c', 'tty']);
      expect(stdout).toContain('/dev/pts/');
    });

    it('is seen: processes, what they use', async () => {
      expect((await containerd.ask('task', 'ps', 'c')).split('\n').length).toBeGreaterThanOrEqual(2);
      expect(await containerd.ask('task', 'metrics', 'c')).toMatch(/memory\.(limit_in_bytes|usage_limit) +67108864\b/);
    });

    it('is paused and goes on', async () => {
      await containerd.ask('task', 'pause', 'c');
      expect(await state()).toBe('PAUSED');
      await containerd.ask('task', 'resume', 'c');
      expect(await state()).toBe('RUNNING');
    });

    it('ends by a signal, and tells how', async () => {
      await containerd.ask('task', 'kill', 'c');
      await until(async () => (await state()) === 'STOPPED', 'it ended');
      expect((await containerd.run('task', 'rm', 'c')).stderr).toContain('exit code 9');
    });

    it('ends with all its processes', async () => {
      await containerd.ask('task', 'exec', '-d', '--exec-id=e', 'c', 'sleep', '100');
      await containerd.ask('task', 'kill', '--all', '--signal=SIGKILL', 'c');
      await until(async () => (await state()) === 'STOPPED', 'it ended');
    });
  });

  it('events tell a life', async () => {
    const events = await containerd.room.stay(['ctr', 'events'], '/run/room/events');
    await until(
      async () => {
        await containerd.start('once', ['--rm'], 'true'); // until somebody listens
        return (await events.log()).includes('/containers/delete');
      },
      'events are heard',
      10_000,
    );
    await containerd.start('told', ['--rm'], 'sh', '-c', 'exit 5');
    const topics = async () =>
      (await events.log())
        .split('\n')
        .filter((line) => line.includes('"told"'))
        .map((line) => / (\/\w+\/\w+) /.exec(line)?.[1]);
    await until(async () => (await topics()).includes('/containers/delete'), 'its end is told');
    expect(await topics()).toEqual(
      expect.arrayContaining(['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete']),
    );
    expect(await events.log()).toMatch(/\/tasks\/exit \{"container_id":"told".*"exit_status":5/);
    await events.end();
  });

  it('fifty at once', async () => {
    const all = Array.from({ length: 50 }, (_, index) => `many-${index}`);
    const ran = await Promise.all(all.map((id) => containerd.start(id, ['--rm'], 'echo', id)));
    expect(ran).toEqual(all.map((id) => ({ code: 0, stdout: `${id}\n`, stderr: '' })));
  }, 60_000);
});

// A container's life under podman, from `run` to `rm`. Needs root, podman and dist/ (npm test builds it).
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../sys/own-launcher.js';
import { type Podman, withPodman } from './podman-room.js';
import { RUNTIME_PATH, WAYS } from './runtimes.js';

/** Says that it runs, and ends with 3 when it is told to. */
const OBEYS = 'trap "echo told; exit 3" TERM; echo ready; while :; do sleep 0.05; done';
const IGNORES = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';

describe.each(WAYS)('podman, %s', (way) => {
  let podman: Podman;
  withPodman(way, (own) => {
    podman = own;
  });

  describe('run', () => {
    it.each([0, 1, 125, 126, 127, 128, 137, 255])("exit code %i is the program's own", async (code) => {
      expect(await podman.once([], 'sh', '-c', `exit ${code}`)).toEqual({ code, stdout: '', stderr: '' });
    });

    it('is 128 and the signal that ended it', async () => {
      expect((await podman.once([], 'sh', '-c', 'kill -KILL $$')).code).toBe(0); // process 1 is not killed from within
      expect((await podman.once(['--init'], 'sh', '-c', 'kill -KILL $$')).code).toBe(137);
      expect((await podman.once(['--timeout=1'], 'sleep', '20')).code).toBe(255);
    });

    it.each([
      ['missing', 127, 'exec: "missing": executable file not found in $PATH'],
      ['/missing/too', 127, 'exec: "/missing/too": '],
      ['/plain', 126, 'exec: "/plain": permission denied'],
      ['/etc', 126, 'exec: "/etc": permission denied'],
    ])('%s cannot be run: %i', async (program, code, text) => {
      const ran = await podman.once([], program);
      expect(ran.code).toBe(code);
      expect(ran.stderr).toContain(text);
    });

    it('125 is podman’s own failure', async () => {
      expect((await podman.once(['--no-such-flag'], 'true')).code).toBe(125);
    });

    it('carries standard input, output and error', async () => {
      const ran = await podman.with(
        { input: 'from outside\n' },
        'run',
        '--rm',
        '-i',
        'bb',
        'sh',
        '-c',
        'cat; echo no >&2',
      );
      expect(ran).toEqual({ code: 0, stdout: 'from outside\n', stderr: 'no\n' });
    });

    it('gives it a terminal, and the console', async () => {
      const script = 'tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; stat -c %t:%T /dev/console; stty size; exit 5';
      const { code, stdout } = await podman.onTerminal('run', '--rm', '-it', 'bb', 'sh', '-c', script);
      expect(stdout).toMatch(/\/dev\/pts\/0\r\nall\r\n88:0\r\n40 100\r\n/);
      expect(code).toBe(5);
    });

    it('passes descriptors on', async () => {
      const script =
        'podman run --rm --network=none --cgroup-parent="$0" --preserve-fds=2 bb sh -c "cat <&3; cat <&4" 3</run/room/three 4</run/room/four';
      podman.room.write('/run/room/three', 'third\n');
      podman.room.write('/run/room/four', 'fourth\n');
      expect(await podman.room.ask(['sh', '-c', script, podman.room.cgroup])).toBe('third\nfourth');
    });
  });

  describe('a container in the background', () => {
    beforeEach(async () => {
      const health = ['--health-cmd=test -e /healthy', '--health-interval=disable'];
      await podman.ask('run', '-d', '--name=c', ...health, 'bb', 'sh', '-c', OBEYS);
      await until(async () => (await podman.ask('logs', 'c')) === 'ready', 'it runs');
    });
    afterEach(async () => void (await podman.run('rm', '-f', '-t0', 'c')));

    const inspect = (format: string) => podman.ask('inspect', '-f', format, 'c');

    it('is known with its runtime and process', async () => {
      expect(await inspect('{{.State.Status}} {{.OCIRuntime}} {{.HostConfig.Runtime}}')).toBe('running vlab-oci oci');
      const pid = await inspect('{{.State.Pid}}');
      expect(await podman.room.ask(['cat', `/proc/${pid}/comm`])).toBe('sh');
      expect(await podman.ask('ps', '--format', '{{.Names}} {{.Status}}')).toMatch(/^c Up /);
    });

    it('takes further programs', async () => {
      expect(await podman.run('exec', 'c', 'sh', '-c', 'echo in; echo no >&2; exit 4')).toEqual({
        code: 4,
        stdout: 'in\n',
        stderr: 'no\n',
      });
      expect(
        await podman.ask('exec', '-u', '1000:44', '-w', '/tmp', '-e', 'A=b', 'c', 'sh', '-c', 'id; pwd; echo $A'),
      ).toBe('uid=1000(user) gid=44(more)\n/tmp\nb');
      expect(await podman.with({ input: 'piped' }, 'exec', '-i', 'c', 'cat')).toMatchObject({ stdout: 'piped' });
      for (const [program, code] of [
        ['missing', 127],
        ['/plain', 126],
        ['/etc', 126],
      ] as const) {
        expect([program, (await podman.run('exec', 'c', program)).code]).toEqual([program, code]);
      }
    });

    it('takes one with a terminal', async () => {
      // podman tells the terminal's size when the program may run already.
      const sized = 'while [ "$(stty size 2>&1)" != "40 100" ]; do sleep 0.05; done; stty size';
      const { code, stdout } = await podman.onTerminal('exec', '-it', 'c', 'sh', '-c', `tty; ${sized}; exit 6`);
      expect(stdout).toMatch(/\/dev\/pts\/\d+\r\n40 100\r\n/);
      expect(code).toBe(6);
    });

    it('takes one in the background', async () => {
      await podman.ask('exec', '-d', 'c', 'sh', '-c', 'echo done > /tmp/done');
      await until(async () => (await podman.run('exec', 'c', 'cat', '/tmp/done')).stdout === 'done\n', 'it ran');
    });

    it('shows its processes and what they use', async () => {
      expect(await podman.ask('top', 'c', 'pid', 'comm')).toMatch(/^PID +COMMAND\n1 +sh\n/);
      const stats = JSON.parse(await podman.ask('stats', '--no-stream', '--format=json', 'c')) as { pids: string }[];
      expect(Number(stats[0]?.pids)).toBeGreaterThanOrEqual(1);
    });

    it('is healthy or not', async () => {
      expect((await podman.run('healthcheck', 'run', 'c')).code).toBe(1);
      await podman.ask('exec', 'c', 'touch', '/healthy');
      expect((await podman.run('healthcheck', 'run', 'c')).code).toBe(0);
    });

    it('is paused and goes on', async () => {
      await podman.ask('pause', 'c');
      expect(await inspect('{{.State.Status}}')).toBe('paused');
      expect((await podman.run('exec', 'c', 'true')).code).toBe(255);
      await podman.ask('unpause', 'c');
      expect(await podman.ask('exec', 'c', 'echo', 'awake')).toBe('awake');
    });

    it('stops when it is told to, and tells how it ended', async () => {
      const waiting = podman.ask('wait', 'c');
      await podman.ask('stop', '-t20', 'c');
      expect(await inspect('{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}')).toBe('exited 3 0');
      expect(await podman.ask('logs', 'c')).toBe('ready\ntold');
      expect(await waiting).toBe('3');
    });

    it('is killed by any signal, also while it is paused', async () => {
      await podman.ask('kill', '-s', 'TERM', 'c');
      expect(await podman.ask('wait', 'c')).toBe('3');
      await podman.ask('start', 'c');
      await podman.ask('pause', 'c');
      await podman.ask('kill', 'c');
      await podman.run('unpause', 'c'); // on version 1 a frozen process dies when it thaws
      expect(await podman.ask('wait', 'c')).toBe('137');
    });

    it('starts again', async () => {
      const first = await inspect('{{.State.Pid}}');
      await podman.ask('restart', '-t5', 'c');
      expect(await inspect('{{.State.Status}}')).toBe('running');
      expect(await inspect('{{.State.Pid}}')).not.toBe(first);
    });

    it('is removed with everything that runs in it', async () => {
      await podman.ask('exec', '-d', 'c', 'sleep', '100');
      await podman.ask('rm', '-f', '-t0', 'c');
      expect(await podman.ask('ps', '-aq')).toBe('');
    });

    it('is written down in events', async () => {
      await podman.ask('kill', 'c');
      await podman.ask('wait', 'c');
      const events = () =>
        podman.ask('events', '--stream=false', '--since=1m', '--filter=container=c', '--format={{.Status}}');
      await until(async () => (await events()).includes('died'), 'its end is among the events');
      expect((await events()).split('\n')).toEqual(expect.arrayContaining(['create', 'init', 'start', 'kill', 'died']));
    });
  });

  describe('create and start', () => {
    beforeAll(async () => void (await podman.run('rm', '-fa', '-t0')));
    afterEach(async () => void (await podman.run('rm', '-f', '-t0', 'c')));

    it('runs nothing before it is started', async () => {
      await podman.ask('create', '--name=c', 'bb', 'sh', '-c', 'echo ran; exit 9');
      await podman.ask('init', 'c'); // the runtime’s `create` alone
      expect(await podman.ask('inspect', '-f', '{{.State.Status}}', 'c')).toBe('initialized');
      expect(await podman.ask('logs', 'c')).toBe('');
      expect(await podman.run('start', '-a', 'c')).toMatchObject({ code: 9, stdout: 'ran\n' });
    });

    it('kills who does not listen, after its time', async () => {
      await podman.ask('run', '-d', '--name=c', 'bb', 'sh', '-c', IGNORES);
      await until(async () => (await podman.ask('logs', 'c')) === 'ready', 'it runs');
      await podman.run('stop', '-t1', 'c');
      expect(await podman.ask('inspect', '-f', '{{.State.ExitCode}}', 'c')).toBe('137');
    });

    it('starts it again by its policy, so many times', async () => {
      await podman.ask('run', '-d', '--name=c', '--restart=on-failure:2', 'bb', 'sh', '-c', 'echo try; exit 1');
      await until(
        async () => (await podman.ask('inspect', '-f', '{{.RestartCount}} {{.State.Status}}', 'c')) === '2 exited',
        'it gave up',
        20_000,
      );
      expect(await podman.ask('logs', 'c')).toBe('try\ntry\ntry');
    });

    it('tells the monitor that it is ready', async () => {
      const { stdout } = await podman.run('info', '--format={{.Host.OCIRuntime.Path}}');
      expect(stdout.trim()).toBe(RUNTIME_PATH);
    });
  });
});

// A container's life under docker, from `run` to `rm`. Needs root, docker.io and dist/ (npm test builds it).
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../sys/own-launcher.js';
import { type Docker, withDocker } from './docker-room.js';
import { WAYS } from './runtimes.js';

/** Says that it runs, and ends with 3 when it is told to. */
const OBEYS = 'trap "echo told; exit 3" TERM; echo ready; while :; do sleep 0.05; done';
const IGNORES = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';

describe.each(WAYS)('docker, %s', (way) => {
  let docker: Docker;
  withDocker({ way }, (own) => {
    docker = own;
  });
  const inspect = (format: string) => docker.inspect('one', format);

  describe('run', () => {
    it.each([0, 1, 137, 255])("exit code %i is the program's own", async (code) => {
      expect(await docker.once([], 'sh', '-c', `exit ${code}`)).toEqual({ code, stdout: '', stderr: '' });
    });

    it('is 128 and the signal that ended it', async () => {
      expect((await docker.once(['--init'], 'sh', '-c', 'kill -KILL $$')).code).toBe(137);
    });

    it.each([
      ['missing', 127, 'exec: "missing": executable file not found in $PATH'],
      ['/missing/too', 127, 'exec: "/missing/too": '],
      ['/plain', 126, 'exec: "/plain": permission denied'],
      ['/etc', 126, 'exec: "/etc": '],
    ])('%s cannot be run: %i', async (program, code, text) => {
      const ran = await docker.once([], program);
      expect(ran.code).toBe(code);
      expect(ran.stderr).toContain(text);
    });

    it('carries standard input, output and error', async () => {
      const command = ['run', '--rm', '-i', 'bb', 'sh', '-c', 'cat; echo no >&2'];
      const ran = await docker.with({ input: 'from outside\n' }, ...command);
      expect(ran).toEqual({ code: 0, stdout: 'from outside\n', stderr: 'no\n' });
    });

    it('gives it a terminal, and the console', async () => {
      // The client gives the terminal its size a moment after the start.
      const sized = 'while [ "$(stty size 2>&1)" != "40 100" ]; do sleep 0.05; done; stty size';
      const script = `tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; stat -c %t:%T /dev/console; ${sized}; exit 5`;
      const { code, stdout } = await docker.onTerminal('run', '--rm', '-it', 'bb', 'sh', '-c', script);
      expect(stdout).toMatch(/\/dev\/pts\/0\r\nall\r\n88:0\r\n40 100\r\n/);
      expect(code).toBe(5);
    });
  });

  describe('a container in the background', () => {
    beforeEach(async () => {
      const health = ['--health-cmd=test -e /healthy', '--health-interval=0.5s', '--health-retries=1'];
      await docker.ask('run', '-d', '--name=one', ...health, 'bb', 'sh', '-c', OBEYS);
      await until(async () => (await docker.ask('logs', 'one')) === 'ready', 'it runs');
    });
    afterEach(async () => void (await docker.run('rm', '-f', 'one')));

    it('is known with its runtime and process', async () => {
      expect(await inspect('{{.State.Status}} {{.HostConfig.Runtime}}')).toMatch(/^running (vlab|runc)$/);
      const pid = await inspect('{{.State.Pid}}');
      expect(await docker.room.ask(['cat', `/proc/${pid}/comm`])).toBe('sh');
      expect(await docker.ask('ps', '--format', '{{.Names}} {{.Status}}')).toMatch(/^one Up /);
    });

    it('takes further programs', async () => {
      expect(await docker.run('exec', 'one', 'sh', '-c', 'echo in; echo no >&2; exit 4')).toEqual({
        code: 4,
        stdout: 'in\n',
        stderr: 'no\n',
      });
      const flags = ['-u', '1000:44', '-w', '/tmp', '-e', 'A=b'];
      expect(await docker.ask('exec', ...flags, 'one', 'sh', '-c', 'id; pwd; echo $A')).toBe(
        'uid=1000(user) gid=44(more) groups=44(more)\n/tmp\nb',
      );
      expect(await docker.with({ input: 'piped' }, 'exec', '-i', 'one', 'cat')).toMatchObject({ stdout: 'piped' });
      expect(await docker.ask('exec', '--privileged', 'one', 'grep', 'CapEff', '/proc/self/status')).toBe(
        await docker.says(['--privileged'], 'grep CapEff /proc/self/status'),
      );
    });

    it('tells which cannot be run', async () => {
      for (const [program, text] of [
        ['missing', 'exec: "missing": executable file not found in $PATH'],
        ['/plain', 'exec: "/plain": permission denied'],
      ] as const) {
        const { code, stdout, stderr } = await docker.run('exec', 'one', program);
        expect([code, stdout + stderr]).toEqual([126, expect.stringContaining(text)]);
      }
    });

    it('takes one with a terminal', async () => {
      const script = 'tty; while [ "$(stty size 2>&1)" != "40 100" ]; do sleep 0.05; done; exit 6';
      const { code, stdout } = await docker.onTerminal('exec', '-it', 'one', 'sh', '-c', script);
      expect([code, stdout]).toEqual([6, expect.stringMatching(/\/dev\/pts\/\d+\r\n/)]);
    });

    it('takes one in the background', async () => {
      await docker.ask('exec', '-d', 'one', 'sh', '-c', 'echo done > /tmp/done');
      await until(async () => (await docker.run('exec', 'one', 'cat', '/tmp/done')).stdout === 'done\n', 'it ran');
    });

    it('shows its processes and what they use', async () => {
      expect(await docker.ask('top', 'one', '-o', 'pid,comm')).toMatch(/^PID +COMMAND\n\d+ +sh\n/);
      const [memory, count] = (
        await docker.ask('stats', '--no-stream', '--format={{.MemUsage}},{{.PIDs}}', 'one')
      ).split(',');
      expect(memory).toMatch(/^[1-9][\d.]*[KM]iB \/ /);
      expect(Number(count)).toBeGreaterThanOrEqual(1);
    });

    it('is healthy or not', async () => {
      const becomes = (state: string) =>
        until(async () => (await inspect('{{.State.Health.Status}}')) === state, `it is ${state}`);
      await becomes('unhealthy');
      await docker.ask('exec', 'one', 'touch', '/healthy');
      await becomes('healthy');
    });

    it('is paused and goes on', async () => {
      await docker.ask('pause', 'one');
      expect(await inspect('{{.State.Status}}')).toBe('paused');
      expect((await docker.run('exec', 'one', 'true')).stderr).toContain('is paused');
      await docker.ask('unpause', 'one');
      expect(await docker.ask('exec', 'one', 'echo', 'awake')).toBe('awake');
    });

    it('stops when it is told to, and tells how it ended', async () => {
      const waiting = docker.ask('wait', 'one');
      await docker.ask('stop', '-t20', 'one');
      expect(await inspect('{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}')).toBe('exited 3 0');
      expect(await docker.ask('logs', 'one')).toBe('ready\ntold');
      expect(await waiting).toBe('3');
    });

    it('is killed by any signal', async () => {
      await docker.ask('kill', '-s', 'TERM', 'one');
      expect(await docker.ask('wait', 'one')).toBe('3');
      await docker.ask('start', 'one');
      await docker.ask('kill', 'one');
      expect(await docker.ask('wait', 'one')).toBe('137');
    });

    it('starts again', async () => {
      const first = await inspect('{{.State.Pid}}');
      await docker.ask('restart', '-t5', 'one');
      expect(await inspect('{{.State.Status}}')).toBe('running');
      expect(await inspect('{{.State.Pid}}')).not.toBe(first);
    });

    it('is removed with everything that runs in it, also while it is paused', async () => {
      await docker.ask('exec', '-d', 'one', 'sleep', '100');
      await docker.ask('pause', 'one');
      await docker.ask('rm', '-f', 'one');
      expect(await docker.ask('ps', '-aq')).toBe('');
    });

    it('is written down in events', async () => {
      const began = Number(await docker.room.ask(['date', '+%s'])) - 20;
      await docker.ask('kill', 'one');
      await docker.ask('wait', 'one');
      const told = async () => {
        const now = await docker.room.ask(['date', '+%s.%N']);
        const asked = [
          'events',
          `--since=${began}`,
          `--until=${now}`,
          '--filter=container=one',
          '--format={{.Action}}',
        ];
        return (await docker.ask(...asked)).split('\n');
      };
      await until(async () => (await told()).includes('die'), 'its end is among the events');
      expect(await told()).toEqual(expect.arrayContaining(['create', 'start', 'kill', 'die']));
    });
  });

  describe('create and start', () => {
    afterEach(async () => void (await docker.run('rm', '-f', 'one')));

    it('runs nothing before it is started', async () => {
      await docker.ask('create', '--name=one', 'bb', 'sh', '-c', 'echo ran; exit 9');
      expect(await inspect('{{.State.Status}}')).toBe('created');
      expect(await docker.run('start', '-a', 'one')).toMatchObject({ code: 9, stdout: 'ran\n' });
    });

    it('kills who does not listen, after its time', async () => {
      await docker.ask('run', '-d', '--name=one', 'bb', 'sh', '-c', IGNORES);
      await until(async () => (await docker.ask('logs', 'one')) === 'ready', 'it runs');
      await docker.ask('stop', '-t1', 'one');
      expect(await inspect('{{.State.ExitCode}}')).toBe('137');
    });

    it('starts it again by its policy, so many times', async () => {
      await docker.ask('run', '-d', '--name=one', '--restart=on-failure:2', 'bb', 'sh', '-c', 'echo try; exit 1');
      const gaveUp = async () => (await inspect('{{.RestartCount}} {{.State.Status}}')) === '2 exited';
      await until(gaveUp, 'it gave up', 20_000);
      expect(await docker.ask('logs', 'one')).toBe('try\ntry\ntry');
    });

    it('starts it again always, but for who stopped it', async () => {
      await docker.ask('run', '-d', '--name=one', '--restart=always', 'bb', 'sh', '-c', OBEYS);
      const pid = await inspect('{{.State.Pid}}');
      await docker.room.ask(['kill', '-KILL', pid]);
      const again = async () => !['0', pid].includes(await inspect('{{.State.Pid}}'));
      await until(again, 'it runs again', 20_000);
      await docker.ask('stop', '-t1', 'one');
      expect(await inspect('{{.State.Status}} {{.RestartCount}}')).toBe('exited 1');
    });
  });
});

/** Further programs in a running container, with monitors of their own. Needs root and busybox. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { type ExecRunRequest, execRun } from '../../../src/engine/run/exec-run.js';
import type { Started, StartRequest } from '../../../src/engine/run/start-request.js';
import { hasEnded } from '../../../src/sys/owners.js';
import { needs } from '../../skips.js';
import { runs, until } from '../sys/own-launcher.js';
import { BUSYBOX, RunGround, Taken } from './run-ground.js';

let ground: RunGround;
beforeAll(() => {
  ground = new RunGround();
});
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});
beforeEach((context) => {
  needs(context, 'root', process.getuid?.() === 0);
  needs(context, 'busybox-static', existsSync(BUSYBOX));
});

interface Ran {
  request: StartRequest;
  started: Started;
  exec(
    args: string[],
    more?: Partial<ExecRunRequest>,
    change?: (config: OciConfig) => void,
  ): ReturnType<typeof execRun>;
}

let count = 0;

async function container(): Promise<Ran> {
  let cgroups: ExecRunRequest['container']['cgroups'] = [];
  const request = ground.request(['sleep', '1000'], {
    waits: true,
    onBorn: async (_, __, made) => {
      cgroups = made.directories;
    },
  });
  const started = await ground.start(request);
  return {
    request,
    started,
    exec(args, more = {}, change = () => {}) {
      const own = `x${String(++count).padStart(6, '0')}`;
      const config = structuredClone(request.config);
      Object.assign(config.process, { args, terminal: false });
      change(config);
      return execRun({
        ...{ id: `${request.id}.${own}`, runDir: join(request.runDir, own), config, stdin: 'closed' },
        container: { init: started.init, cgroups },
        ...more,
      });
    },
  };
}

const terminal = (config: OciConfig) => {
  config.process.terminal = true;
};

describe('a further program', () => {
  it('is in the namespaces and the cgroup of the container, and its exit code is told', async () => {
    const { exec, started, request } = await container();
    const stdout = new Taken();
    const script = 'ls -l /proc/self/ns/pid /proc/1/ns/pid; cat /proc/self/cgroup; cat /proc/1/cgroup; exit 7';
    const { ended, attachment } = await exec(['sh', '-c', script], { waits: true, attach: { stdout } });
    expect((await ended)?.exitCode).toBe(7);
    await attachment?.over;
    const lines = stdout.text.trim().split('\n');
    const [own, first] = lines.filter((line) => line.includes('pid:[')).map((line) => /pid:\[\d+]/.exec(line)?.[0]);
    expect(own).toBe(first);
    const cgroups = lines.filter((line) => /^\d+:/.test(line));
    expect(cgroups.slice(0, cgroups.length / 2)).toEqual(cgroups.slice(cgroups.length / 2));
    expect(runs(started.init.pid)).toBe(true);
    await until(() => readdirSync(request.runDir).join() === 'attach', 'nothing is left of it');
  });

  it('has a terminal of the container', async () => {
    const { exec } = await container();
    const [stdin, stdout] = [new PassThrough(), new Taken()];
    const streams = { stdin, stdout, size: { rows: 12, columns: 34 } };
    const { ended } = await exec(
      ['sh', '-c', 'tty; stty size; read x; echo $x'],
      { waits: true, stdin: 'once', attach: streams },
      terminal,
    );
    await until(() => stdout.text.includes('12 34'), 'its size');
    stdin.write('word\n');
    expect((await ended)?.exitCode).toBe(0);
    await until(() => stdout.text.includes('word\r\nword\r\n'), 'what was typed comes back');
    expect(stdout.text).toContain('/dev/pts/0\r\n12 34\r\n');
  });

  it('that nobody waits for goes on, and ends with the container', async () => {
    const { exec, started, request } = await container();
    const { init, monitor } = await exec(['sleep', '1000']);
    expect(runs(init.pid)).toBe(true);
    process.kill(started.init.pid, 'SIGKILL');
    await started.ended;
    await until(() => hasEnded(init) && hasEnded(monitor), 'both have ended');
    await until(() => !existsSync(request.runDir), 'nothing is left');
  });

  it.each([
    [['nothing'], 127],
    [['/etc'], 126],
  ])('%j is not run: %i', async (args, exitCode) => {
    const { exec, request } = await container();
    await expect(exec(args)).rejects.toMatchObject({ exitCode });
    expect(readdirSync(request.runDir)).toEqual(['attach']);
    // The container's first process reaps nobody.
    const stdout = new Taken();
    const { ended, attachment } = await exec(['sh', '-c', 'cat /proc/[0-9]*/stat'], {
      waits: true,
      attach: { stdout },
    });
    await ended;
    await attachment?.over;
    expect(stdout.text.split('\n').filter((line) => / [ZX] /.test(line))).toEqual([]);
  });

  it('is refused in a container that has ended', async () => {
    const { exec, started } = await container();
    process.kill(started.init.pid, 'SIGKILL');
    await started.ended;
    await expect(exec(['true'])).rejects.toThrow(/ended|hold the container/);
  });
});

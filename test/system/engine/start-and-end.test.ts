/** One container of the engine, from its start to the record of its end, on the real kernel. Needs root and busybox. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readExit } from '../../../src/engine/run/exit-record.js';
import { hasEnded } from '../../../src/sys/owners.js';
import { needs } from '../../skips.js';
import { runs, until } from '../sys/own-launcher.js';
import { BUSYBOX, RunGround, Taken, terminal } from './run-ground.js';

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

describe('a container', () => {
  it('runs, says something to its log and to who waits, and its end is written down', async () => {
    const [stdout, stderr] = [new Taken(), new Taken()];
    const born: number[] = [];
    const request = ground.request(['sh', '-c', 'echo out; echo err >&2; printf part; exit 3'], {
      waits: true,
      attach: { stdout, stderr },
      onBorn: async (init) => void born.push(init.pid),
    });
    const started = await ground.start(request);
    expect(born).toEqual([started.init.pid]);
    const end = await started.ended;
    expect(end).toMatchObject({ exitCode: 3, oomKilled: false, init: { pid: started.init.pid } });
    expect(await started.attachment?.over).toBe('ended');
    expect([stdout.text, stderr.text]).toEqual(['out\npart', 'err\n']);
    expect(readExit(request.dir)).toEqual(end);
    const log = readFileSync(join(request.dir, 'log/log'), 'utf8');
    const time = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z';
    expect(
      log
        .trimEnd()
        .split('\n')
        .sort((a, b) => a.slice(31).localeCompare(b.slice(31))),
    ).toEqual([
      expect.stringMatching(new RegExp(`^${time} stderr F err$`)),
      expect.stringMatching(new RegExp(`^${time} stdout F out$`)),
      expect.stringMatching(new RegExp(`^${time} stdout P part$`)),
    ]);
    const at = Date.parse(`${log.slice(0, 23)}Z`);
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    await until(() => hasEnded(started.monitor), 'its monitor has ended');
    expect(ground.left()).toEqual([]);
    expect(readdirSync(request.dir).sort()).toEqual(['exit', 'log']);
  });

  it('has a terminal of the size of the window, which can be resized and typed into', async () => {
    const [stdin, stdout] = [new PassThrough(), new Taken()];
    const id = ground.newId();
    const request = ground.request([], {
      id,
      config: ground.config(id, ['sh', '-c', 'tty; stty size; read x; stty size; echo got $x'], terminal),
      stdin: 'once',
      waits: true,
      attach: { stdin, stdout, size: { rows: 33, columns: 77 } },
    });
    const started = await ground.start(request);
    await until(() => stdout.text.includes('33 77'), 'the size of its terminal');
    started.attachment?.resize({ rows: 10, columns: 20 });
    stdin.write('hello\n');
    expect((await started.ended)?.exitCode).toBe(0);
    expect(await started.attachment?.over).toBe('ended');
    expect(stdout.text).toBe('/dev/pts/0\r\n33 77\r\nhello\r\n10 20\r\ngot hello\r\n');
  });

  it('reads what it is given until its end', async () => {
    const [stdin, stdout] = [new PassThrough(), new Taken()];
    const request = ground.request(['cat'], { stdin: 'once', waits: true, attach: { stdin, stdout } });
    const started = await ground.start(request);
    const text = 'x'.repeat(100_000);
    stdin.end(`${text}\n`);
    expect((await started.ended)?.exitCode).toBe(0);
    await started.attachment?.over;
    expect(stdout.text === `${text}\n`).toBe(true);
  });

  it('has /dev/null for a standard input that nobody may write to', async () => {
    const stdout = new Taken();
    const request = ground.request(['sh', '-c', 'cat; ls -l /proc/self/fd/0'], { waits: true, attach: { stdout } });
    const started = await ground.start(request);
    expect((await started.ended)?.exitCode).toBe(0);
    await started.attachment?.over;
    expect(stdout.text).toMatch(/-> \/dev\/null\n$/);
  });

  it.each([
    [['nothing-like-this'], 127, 'exec: "nothing-like-this": executable file not found in $PATH'],
    [['/bin/nothing'], 127, 'exec: "/bin/nothing": no such file or directory'],
    [['/etc'], 126, 'exec: "/etc": permission denied'],
    [['/not-executable'], 126, 'exec: "/not-executable": permission denied'],
    [['/no-program'], 126, 'exec: "/no-program": exec format error'],
  ])('that cannot run %j is not started: %i', async (command, exitCode, message) => {
    writeFileSync(join(ground.rootfs, 'not-executable'), 'x', { mode: 0o644 });
    writeFileSync(join(ground.rootfs, 'no-program'), 'x', { mode: 0o755 });
    const request = ground.request(command);
    const error = await ground.start(request).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ exitCode, message });
    expect(ground.left()).toEqual([]);
    expect(readExit(request.dir)).toBeUndefined();
  });

  it('whose birth its caller regrets is not started', async () => {
    let pid = 0;
    const request = ground.request(['true'], {
      onBorn: async (init) => {
        pid = init.pid;
        throw new Error('no network');
      },
    });
    await expect(ground.start(request)).rejects.toThrow('no network');
    expect(runs(pid)).toBe(false);
    expect(ground.left()).toEqual([]);
  });

  it('that is killed says by which signal', async () => {
    const started = await ground.start(ground.request(['sleep', '1000'], { waits: true }));
    process.kill(started.init.pid, 'SIGKILL');
    expect(await started.ended).toMatchObject({ exitCode: 137, signal: 9, oomKilled: false });
  });

  it('that takes more memory than it may says so', async () => {
    const id = ground.newId();
    const config = ground.config(id, ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=200M', 'count=1'], (made) => {
      made.linux.resources = { ...made.linux.resources, memory: { limit: 32 << 20 } };
    });
    const started = await ground.start(ground.request([], { id, config, waits: true }));
    expect(await started.ended).toMatchObject({ exitCode: 137, oomKilled: true });
  });

  it('becomes the command that finishes when nobody waits for it, with the environment that was asked for', async () => {
    const said = join(ground.root, 'said');
    const request = ground.request(['true'], {
      finish: [
        BUSYBOX,
        'sh',
        '-c',
        `ls -l /proc/self/fd > ${said}.new; echo $A >> ${said}.new; mv ${said}.new ${said}`,
      ],
      finishEnv: ['A=b', 'PATH=/bin'],
    });
    await ground.start(request);
    await until(() => existsSync(said), 'it has finished');
    const lines = readFileSync(said, 'utf8').trim().split('\n');
    expect(lines.at(-1)).toBe('b');
    expect(lines.filter((line) => line.includes('->')).length).toBeLessThanOrEqual(4); // 0, 1, 2 and the directory
    expect(readExit(request.dir)?.exitCode).toBe(0);
  });
});

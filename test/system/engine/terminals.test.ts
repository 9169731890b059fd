/**
 * `run`, `start -ai`, `attach` and `exec` as a person in a terminal types them, and their ends when the command is killed. The
 * terminal is script(1)'s. Needs root, busybox, script and dist/ (npm test builds it).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { EngineRoom } from './engine-room.js';

const VLAB = join(import.meta.dirname, '../../../bin/vlab.cjs');

let room: EngineRoom;
beforeAll(() => {
  room = new EngineRoom();
  room.importBusybox();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
});
beforeEach((context) => {
  needs(context, 'root', process.getuid?.() === 0);
  needs(context, 'busybox-static', existsSync('/bin/busybox'));
  needs(context, 'script', spawnSync('script', ['--version']).status === 0);
});
afterEach(async () => {
  const ids = (await room.done('ps', '-aq', '--no-trunc')).split('\n').filter(Boolean);
  if (ids.length > 0) await room.done('rm', '-f', ...ids);
});

/** A shell's line in a terminal of 90 columns and 25 rows; `vlab` in it is the room's. */
class Typed {
  private readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  seen = '';

  constructor(line: string) {
    const shell = `vlab() { "${process.execPath}" "${VLAB}" "$@"; }; stty cols 90 rows 25; ${line}; echo "code $?."; stty -a | grep -o -- '-*icanon'`;
    const env = { ...room.env, SHELL: '/bin/sh' };
    this.child = spawn('script', ['-qec', shell, '/dev/null'], { env, stdio: 'pipe' });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.seen += chunk.toString('latin1');
    });
    this.ended = once(this.child, 'close');
  }

  async says(words: string): Promise<void> {
    await until(() => this.seen.includes(words), `${JSON.stringify(words)} in ${JSON.stringify(this.seen)}`, 20_000);
  }

  types(bytes: string): void {
    this.child.stdin?.write(bytes);
  }
}

async function status(name: string): Promise<string | undefined> {
  const lines = (await room.done('ps', '-a', '--format', '{{.Names}} {{.State}}')).split('\n');
  return lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
}

describe('in a terminal', () => {
  it('run -it has its size, is left by the keys, attached again, and ends with its code; the terminal is as before', async () => {
    const one = new Typed(
      'vlab run -it --network none --name one busybox sh -c "stty size; echo ready; read x; echo got $x; exit 7"'.replace(
        '$x',
        '\\$x',
      ),
    );
    await one.says('25 90');
    await one.says('ready');
    one.types('\x10\x11');
    await one.says('read escape sequence');
    await one.says('code 0.');
    await one.says('icanon');
    expect(one.seen).not.toContain('-icanon');
    await one.ended;
    expect(await status('one')).toBe('running');

    const again = new Typed('vlab attach one');
    await until(async () => {
      again.types('word\r');
      return again.seen.includes('got word') || again.seen.includes('code');
    }, 'it is heard');
    await again.says('code 7.');
    await again.ended;
    expect(again.seen).not.toContain('-icanon');
    expect(await status('one')).toBe('exited');
  });

  it('start -ai takes the terminal too', async () => {
    await room.done(
      'create',
      '-it',
      '--network',
      'none',
      '--name',
      'two',
      'busybox',
      'sh',
      '-c',
      'echo say; read x; echo $x; exit 3',
    );
    const typed = new Typed('vlab start -ai two');
    await typed.says('say');
    typed.types('hello\r');
    await typed.says('hello\r\nhello\r\n');
    await typed.says('code 3.');
    await typed.ended;
  });

  it('exec -it has a terminal of the container, with keys of its own', async () => {
    await room.done('run', '-d', '--network', 'none', '--name', 'three', 'busybox', 'sleep', '100');
    const typed = new Typed('vlab exec -it --detach-keys ctrl-a,d three sh -c "tty; stty size; echo ready; sleep 50"');
    await typed.says('/dev/pts/0\r\n25 90\r\nready');
    typed.types('\x01d');
    await typed.says('code 0.');
    await typed.ended;
    expect(await room.done('exec', 'three', 'sh', '-c', 'cat /proc/[0-9]*/cmdline')).toContain('sleep\0' + '50');
  });

  it('Ctrl-C is the program’s', async () => {
    const typed = new Typed(
      'vlab run -it --rm --network none busybox sh -c "trap \'echo caught; exit 9\' INT; echo ready; sleep 100"',
    );
    await typed.says('ready');
    typed.types('\x03');
    await typed.says('caught');
    await typed.says('code 9.');
    await typed.ended;
  });

  it('-t without a terminal is refused', async () => {
    const { code, stderr } = await room.vlab('run', '-it', '--rm', '--network', 'none', 'busybox', 'true');
    expect(stderr).toContain('the input device is not a TTY');
    expect(code).not.toBe(0);
  });
});

describe('without a terminal', () => {
  it('signals are passed on, and the exit code is the program’s', async () => {
    const child = room.start(
      'run',
      '--rm',
      '--network',
      'none',
      'busybox',
      'sh',
      '-c',
      'trap "exit 11" TERM; echo ready; while :; do sleep 0.05; done',
    );
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([11, null]);
  });

  it('a command that is killed leaves its container running, and its output in the log', async () => {
    const child = room.start(
      'run',
      '--name',
      'four',
      '--network',
      'none',
      'busybox',
      'sh',
      '-c',
      'echo ready; read x; sleep 0.3; echo later; sleep 100',
    );
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await status('four')).toBe('running');
    const logs = room.start('logs', '-f', 'four');
    let seen = '';
    logs.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    await until(() => seen === 'ready\nlater\n', 'what was said later');
    const closed = once(logs, 'close');
    await room.done('kill', 'four');
    expect(await closed).toEqual([0, null]);
    await until(async () => (await status('four')) === 'exited', 'its end is written down');
  });

  it('a killed command of run --rm is finished by the container’s monitor', async () => {
    const child = room.start(
      'run',
      '--rm',
      '--name',
      'five',
      '--network',
      'none',
      'busybox',
      'sh',
      '-c',
      'echo ready; sleep 0.3',
    );
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await until(async () => !existsSync(join(room.data, 'containers/names/five')), 'it is removed', 20_000);
  });

  it('input is passed on to its end with -i, and to nobody without', async () => {
    const cat = (...flags: string[]) => {
      const child = spawn(process.execPath, [VLAB, 'run', '--rm', ...flags, '--network', 'none', 'busybox', 'cat'], {
        env: room.env,
      });
      child.stdin.on('error', () => {}); // nobody may read it
      child.stdin.end('typed\n');
      return text(child.stdout);
    };
    expect(await cat('-i')).toBe('typed\n');
    expect(await cat()).toBe('');
  });

  it('whose output nobody reads any more ends, and the container goes on', async () => {
    const child = room.start(
      'run',
      '--name',
      'six',
      '--network',
      'none',
      'busybox',
      'sh',
      '-c',
      'while :; do echo y; done',
    );
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await once(child, 'close')).toEqual([141, null]);
    expect(await status('six')).toBe('running');
  });
});

// `vlab run` in a real terminal, which script(1) makes: with -t, and without. Needs root, script and stty, and dist/ (npm test
// builds it).
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../../skips.js';
import { childrenOf, runs, until } from '../sys/own-launcher.js';
import { BIN, startRun, withRootfs } from './vlab-run.js';

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});
beforeEach((context) => {
  needs(context, 'script', spawnSync('script', ['--version']).status === 0);
});

/** A terminal of 100 by 30 in which a shell runs one line. `vlab` in it stands for `vlab run` with the test's rootfs. */
class Terminal implements AsyncDisposable {
  private readonly child: ChildProcess;
  /** Everything that was printed, one character a byte. */
  seen = '';
  private readonly ended: Promise<unknown>;

  constructor(line: string) {
    const vlab = `"${process.execPath}" "${BIN}" run --rootfs "${rootfs}"`;
    const shell = `vlab() { ${vlab} "$@"; }; stty cols 100 rows 30; echo "on $(tty)."; ${line}`;
    this.child = spawn('script', ['-qec', shell, '/dev/null'], {
      cwd: rootfs,
      stdio: 'pipe',
      env: { ...process.env, SHELL: '/bin/sh' },
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.seen += chunk.toString('latin1');
    });
    this.ended = once(this.child, 'close');
  }

  async says(text: string): Promise<void> {
    await until(() => this.seen.includes(text), `${JSON.stringify(text)} in ${JSON.stringify(this.seen)}`, 10_000);
  }

  types(bytes: string | Uint8Array): void {
    this.child.stdin?.write(bytes);
  }

  /** stty sets columns and rows one after the other, and each is a change: so only one of them. */
  resize(columns: number): void {
    const { status } = spawnSync('stty', ['-F', this.device(), 'cols', String(columns)]);
    expect(status).toBe(0);
  }

  /** Waits until vlab has taken the terminal over. */
  async isRaw(): Promise<void> {
    await this.says('on /dev/pts/');
    const settings = () => spawnSync('stty', ['-F', this.device(), '-a'], { encoding: 'utf8' }).stdout;
    await until(() => settings().includes('-icanon'), 'the terminal is raw', 10_000);
  }

  private device(): string {
    return /on (\/dev\/pts\/\d+)\./.exec(this.seen)?.[1] ?? '';
  }

  /** The node process of `vlab run`. */
  vlabPid(): number {
    const [shell = 0] = childrenOf(this.child.pid ?? 0);
    const [vlab = 0] = childrenOf(shell);
    return vlab;
  }

  /** Waits for the end; the shell's exit code. */
  async exitCode(): Promise<number | null> {
    await this.ended;
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
    await this.ended;
  }
}

describe('with -t', () => {
  it('the program has a terminal of its own, of the right size, in a session of its own', async () => {
    await using terminal = new Terminal('vlab -t /probe tty');
    expect(await terminal.exitCode()).toBe(0);
    expect(terminal.seen).toContain('/dev/pts/0 100x30 session 1\r\n');
  });

  it('there is a console, and TERM', async () => {
    await using terminal = new Terminal('vlab -t /probe open /dev/console w; vlab -it /probe env');
    await terminal.exitCode();
    expect(terminal.seen).toContain('/dev/console: ok\r\n');
    expect(terminal.seen).toContain('TERM=xterm\r\n');
  });

  it.each([0, 7, 255])('exit code %i passes through', async (code) => {
    await using terminal = new Terminal(`vlab -t /probe exit ${code}`);
    expect(await terminal.exitCode()).toBe(code);
  });

  it('a program that is not there is told on the terminal, with 127', async () => {
    await using terminal = new Terminal('vlab -t /missing');
    expect(await terminal.exitCode()).toBe(127);
    expect(terminal.seen).toContain('/missing');
  });

  it('every byte reaches the program as it was typed', async () => {
    await using terminal = new Terminal('vlab -t /probe raw 256');
    await terminal.says('ready');
    const all = Uint8Array.from({ length: 256 }, (_, value) => value);
    terminal.types(all);
    await terminal.says(Buffer.from(all).toString('hex'));
    expect(await terminal.exitCode()).toBe(0);
  });

  it('a megabyte of output is whole, to its last byte', async () => {
    await using terminal = new Terminal('vlab -t /probe flood 1000000');
    await terminal.exitCode();
    expect(terminal.seen.replace(/[^x]/g, '').length).toBeGreaterThanOrEqual(1_000_000);
  });

  it('a change of the window’s size reaches the program', async () => {
    await using terminal = new Terminal('vlab -t /probe resized');
    await terminal.says('ready');
    terminal.resize(91);
    expect(await terminal.exitCode()).toBe(0);
    expect(terminal.seen).toContain('91x30\r\n');
  });

  it('Ctrl-C interrupts the program, not vlab', async () => {
    await using terminal = new Terminal('vlab -t /probe trap; echo "then $?"');
    await terminal.says('ready');
    terminal.types('\u0003');
    await terminal.exitCode();
    expect(terminal.seen).toContain('signal 2\r\n');
    expect(terminal.seen).toContain('then 0\r\n');
  });

  it('what is typed is echoed once, and Ctrl-D ends the input', async () => {
    await using terminal = new Terminal('vlab -t /probe stdin; echo "then $?"');
    await terminal.isRaw();
    terminal.types('typed\n\u0004');
    await terminal.says('then 0');
    expect(terminal.seen.match(/typed\r\n/g)).toHaveLength(2); // the echo, and what the program passed on
  });

  it('the terminal is as it was, after the end', async () => {
    await using terminal = new Terminal(
      'a=$(stty -g); vlab -t /probe hello; test "$a" = "$(stty -g)" && echo restored',
    );
    await terminal.exitCode();
    expect(terminal.seen).toContain('restored\r\n');
  });

  it('the terminal is as it was, and the container dead, after SIGKILL of vlab', async () => {
    const line = 'a=$(stty -g); vlab -t /probe sleep 60; sleep 0.5; test "$a" = "$(stty -g)" && echo restored';
    await using terminal = new Terminal(line);
    await terminal.says('ready');
    const vlab = terminal.vlabPid();
    const [performer = 0] = childrenOf(vlab);
    const all = [performer, ...childrenOf(performer)];
    expect(all).toHaveLength(3); // the performer, the container, the relay
    process.kill(vlab, 'SIGKILL');
    await terminal.exitCode();
    expect(terminal.seen).toContain('restored\r\n');
    await until(() => all.every((pid) => !runs(pid)), 'nothing of it runs');
    expect((await startRun(['--rootfs', rootfs, '/probe', 'true']).finished).code).toBe(0); // sweeps the cgroup
  });

  it('works with pipes instead of a terminal too: the program has one all the same', async () => {
    const { code, stdout } = await startRun(['--rootfs', rootfs, '-t', '/probe', 'tty']).finished;
    expect([code, stdout]).toEqual([0, '/dev/pts/0 0x0 session 1\r\n']);
  });
});

describe('without -t, in a terminal', () => {
  it('the program writes to the terminal, which stays as it is', async () => {
    await using terminal = new Terminal('a=$(stty -g); vlab /probe hello; test "$a" = "$(stty -g)" && echo untouched');
    await terminal.exitCode();
    expect(terminal.seen).toContain('hello\r\n');
    expect(terminal.seen).toContain('untouched\r\n');
  });

  it('Ctrl-C is passed on as a signal, once', async () => {
    await using terminal = new Terminal('trap : INT; vlab /probe trap; echo "then $?"');
    await terminal.says('ready');
    terminal.types('\u0003');
    await terminal.says('then 0');
    expect(terminal.seen).toContain('signal 2\r\n');
  });

  it('closing the terminal ends the program: it gets SIGHUP, then its vlab is gone', async () => {
    const terminal = new Terminal('vlab /probe trap');
    await terminal.says('ready');
    const vlab = terminal.vlabPid();
    const [performer = 0] = childrenOf(vlab);
    const [first = 0] = childrenOf(performer);
    await terminal[Symbol.asyncDispose]();
    await until(() => [vlab, performer, first].every((pid) => !runs(pid)), 'nothing of it runs');
  });
});

// What goes into a container and comes out of it: `vlab run`, the built command. Needs root, and dist/ (npm test builds it).
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runs, until } from '../sys/own-launcher.js';
import { BIN, ownRootfs, removeRootfs, runProbe, startRun, withRootfs } from './vlab-run.js';

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});

const probe = (...words: string[]) => runProbe(rootfs, [], words);

describe('exit codes', () => {
  it.each([0, 1, 2, 77, 124, 125, 126, 127, 128, 137, 254, 255])("%i is the program's own", async (code) => {
    expect(await probe('exit', String(code))).toEqual({ code, stdout: '', stderr: '' });
  });

  it('128+n for a signal: a fault', async () => {
    expect((await probe('crash')).code).toBe(128 + 4);
  });

  it('128+n for a signal: killed from outside', async () => {
    const running = startRun(['--rootfs', rootfs, '/probe', 'sleep', '60']);
    await running.says('ready');
    process.kill(running.firstProcess(), 'SIGKILL');
    expect((await running.finished).code).toBe(128 + 9);
  });

  it('127 for a program that is not there, with and without a slash, and a hint', async () => {
    for (const name of ['/missing', 'missing', '/probe/missing']) {
      const { code, stdout, stderr } = await startRun(['--rootfs', rootfs, name]).finished;
      expect([name, code, stdout]).toEqual([name, 127, '']);
      expect(stderr).toMatch(
        /^error: could not run .*missing: step \d+, execve\(".*missing", argv, envp\): ENO(ENT|TDIR)\nhint: look for/,
      );
    }
  });

  it('126 for what cannot be executed: no permission, no program, a directory', async () => {
    writeFileSync(join(rootfs, 'plain'), 'hello\n');
    writeFileSync(join(rootfs, 'nothing'), 'hello\n', { mode: 0o755 });
    for (const name of ['/plain', '/nothing', '/tmp']) {
      const { code, stderr } = await startRun(['--rootfs', rootfs, name]).finished;
      expect([name, code]).toEqual([name, 126]);
      expect(stderr).toContain(name);
    }
  });

  it('125 when vlab itself cannot: no root file system, a working directory that leads out of it', async () => {
    expect((await startRun(['--rootfs', '/no/such', '/probe']).finished).code).toBe(125);
    const { code, stderr } = await runProbe(rootfs, ['--workdir', '/proc/self/fd/3'], ['true']);
    expect(code).toBe(125);
    expect(stderr).toContain('it must be a directory of the image');
  });

  it('125 for a wrong flag, as docker', async () => {
    expect((await startRun(['--rootfs', rootfs, '--no-such-flag', '/probe']).finished).code).toBe(125);
    expect((await startRun(['--rootfs', rootfs]).finished).code).toBe(125);
  });
});

describe('streams', () => {
  it('standard output and error stay apart', async () => {
    expect(await probe('stderr', 'oops')).toEqual({ code: 0, stdout: '', stderr: 'oops\n' });
    expect(await probe('hello')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
  });

  it('standard input reaches the program, to its end, every byte', async () => {
    const input = Buffer.alloc(300_000, 'every byte\n').toString();
    const { code, stdout } = await runProbe(rootfs, [], ['stdin'], { input });
    expect([code, stdout === input]).toEqual([0, true]);
  });

  it('three megabytes of output are whole', async () => {
    expect((await probe('flood', '3000001')).stdout.length).toBe(3_000_001);
  });

  it('a reader that goes away ends it quietly', () => {
    const command = `${process.execPath} ${BIN} run --rootfs ${rootfs} /probe flood 100000000 | head -c 5`;
    const { stdout, stderr, status } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    expect([stdout, stderr, status]).toEqual(['xxxxx', '', 0]);
  });

  it('words behind the command are the program’s, flags too', async () => {
    const { stdout } = await startRun(['--rootfs', rootfs, '/probe', 'echo', '--rootfs', '-t', '--', '--help', 'x y'])
      .finished;
    expect(stdout).toBe('--rootfs -t -- --help x y\n');
  });

  it('with --json the result is data, and the program’s output goes to standard error', async () => {
    const { stdout, stderr } = await runProbe(rootfs, ['--json'], ['exit', '3']);
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 3, exit: { code: 3 } });
    expect(stderr).toBe('');
    expect((await runProbe(rootfs, ['--json'], ['hello'])).stderr).toBe('hello\n');
  });
});

describe('surroundings', () => {
  it("the environment is the container's, with what was asked for", async () => {
    const env = { VLAB_TEST_SECRET: 'host only', VLAB_TEST_PASSED: 'passed on' };
    const flags = [
      '-e',
      'A=1',
      '-e',
      'B=two words',
      '-e',
      'VLAB_TEST_PASSED',
      '-e',
      'VLAB_TEST_UNSET',
      '--hostname',
      'box',
    ];
    const { stdout } = await runProbe(rootfs, flags, ['env'], { env });
    expect(stdout.trim().split('\n').sort()).toEqual([
      ...['A=1', 'B=two words', 'HOME=/root', 'HOSTNAME=box'],
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'VLAB_TEST_PASSED=passed on',
    ]);
  });

  it('a program without a slash is looked for in the PATH of the container', async () => {
    mkdirSync(join(rootfs, 'bin'), { recursive: true });
    symlinkSync('/probe', join(rootfs, 'bin', 'by-name'));
    expect((await startRun(['--rootfs', rootfs, 'by-name', 'hello']).finished).stdout).toBe('hello\n');
    const elsewhere = await startRun(['--rootfs', rootfs, '-e', 'PATH=/nowhere:/tmp', 'by-name', 'hello']).finished;
    expect(elsewhere.code).toBe(127);
  });

  it('the working directory is / or what was asked for', async () => {
    expect((await probe('cwd')).stdout).toBe('/\n');
    expect((await runProbe(rootfs, ['-w', '/tmp'], ['cwd'])).stdout).toBe('/tmp\n');
  });

  it('the host name is its own', async () => {
    expect((await runProbe(rootfs, ['--hostname', 'box'], ['hostname'])).stdout).toBe('box\n');
    expect((await probe('hostname')).stdout).toMatch(/^vlab-[0-9a-f]{7}\n$/);
    expect(spawnSync('hostname', { encoding: 'utf8' }).stdout).not.toContain('vlab');
  });

  it('it is the first process, of user and group 0, with no descriptor but three', async () => {
    expect((await probe('ids')).stdout).toBe('1 0 0 0\n');
    expect((await probe('fds')).stdout).toBe('none\n');
  });

  it('sees no process but its own', async () => {
    const { stdout } = await probe('ls', '/proc');
    expect(stdout.split('\n').filter((name) => /^\d+$/.test(name))).toEqual(['1']);
  });

  it('loopback is up, and there is no other link', async () => {
    expect((await probe('loopback')).stdout).toBe('up\n');
    const { stdout } = await probe('ls', '/sys/class/net');
    expect(stdout).toBe('lo\n');
  });

  it('files are made with mask 022, in the root file system that was given', async () => {
    expect((await probe('make', '/tmp/made')).stdout).toBe('/tmp/made: ok\n');
    expect(lstatSync(join(rootfs, 'tmp/made')).mode & 0o777).toBe(0o644);
    rmSync(join(rootfs, 'tmp/made'));
  });
});

describe('signals', () => {
  it.each([
    ['SIGTERM', 15],
    ['SIGINT', 2],
    ['SIGHUP', 1],
    ['SIGQUIT', 3],
    ['SIGUSR1', 10],
    ['SIGUSR2', 12],
  ] as const)('%s to vlab reaches the program', async (signal, number) => {
    const running = startRun(['--rootfs', rootfs, '/probe', 'trap']);
    await running.says('ready');
    running.child.kill(signal);
    expect(await running.finished).toMatchObject({ code: 0, stdout: `ready\nsignal ${number}\n` });
  });

  it('a deaf first process ends when it is asked three times', async () => {
    const running = startRun(['--rootfs', rootfs, '/probe', 'sleep', '60']);
    await running.says('ready');
    const first = running.firstProcess();
    for (const _ of [1, 2]) {
      running.child.kill('SIGTERM');
      await sleep(300); // signals of one kind that come together may be one
      expect(runs(first)).toBe(true);
    }
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(137);
  });

  it('SIGKILL of vlab kills the container; the next command removes what is left of it', async () => {
    const running = startRun(['--rootfs', rootfs, '/probe', 'sleep', '60']);
    await running.says('ready');
    const first = running.firstProcess();
    expect(runs(first)).toBe(true);
    running.child.kill('SIGKILL');
    await running.finished;
    await until(() => !runs(first), 'the container has ended');
    expect((await probe('true')).code).toBe(0);
  });
});

describe('the root file system', () => {
  /** Runs true in a root file system that is changed by hand; it must be as it was afterwards. */
  async function withRootfs(
    directories: string[],
    change: (root: string) => void,
    words: string[],
    flags: string[] = [],
  ) {
    const root = await ownRootfs(directories);
    try {
      change(root);
      const outcome = await runProbe(root, flags, words);
      return { ...outcome, left: readdirSync(root).sort() };
    } finally {
      removeRootfs(root);
    }
  }

  it('may lack the directories that are mounted upon: they are made', async () => {
    const { code, stdout, left } = await withRootfs([], () => {}, ['ls', '/dev']);
    expect([code, left]).toEqual([0, ['dev', 'probe', 'proc', 'sys']]);
    expect(stdout.split('\n')).toContain('null');
  });

  it.each([
    ['/proc', 'proc', '/tmp'],
    ['/proc, to the outside', 'proc', '../../../../../../tmp'],
    ['/sys', 'sys', 'tmp'],
  ])('is refused when %s is a link: nothing is mounted where it points', async (_, name, target) => {
    const { code, stderr } = await withRootfs(['tmp'], (root) => symlinkSync(target, join(root, name)), ['true']);
    expect(code).toBe(125);
    expect(stderr).toContain(`the image must have a directory, not a link or a file, at /${name}`);
  });

  it('may have a /dev that is a link: it leads into the image', async () => {
    const linked = (root: string) => symlinkSync('../../../../../../tmp', join(root, 'dev'));
    const { stdout, left } = await withRootfs(['tmp'], linked, ['ls', '/tmp']);
    expect([stdout.split('\n').includes('null'), left]).toEqual([true, ['dev', 'probe', 'proc', 'sys', 'tmp']]);
  });

  it('is refused when /dev is a file', async () => {
    const { code } = await withRootfs(['proc', 'sys'], (root) => writeFileSync(join(root, 'dev'), ''), ['true']);
    expect(code).toBe(125);
  });

  it('read-only cannot be written, but /dev/shm can, and is not the host’s', async () => {
    const readonly = (path: string) => runProbe(rootfs, ['--read-only'], ['make', path]);
    expect((await readonly('/file')).stdout).toBe('/file: Read-only file system\n');
    expect((await readonly('/dev/shm/file')).stdout).toBe('/dev/shm/file: ok\n');
    expect(existsSync('/dev/shm/file')).toBe(false);
  });

  it('read-only needs no more directories than are there', async () => {
    const { code, stderr } = await withRootfs(['dev'], () => {}, ['true'], ['--read-only']);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('is really the root: .. of it is itself, and nothing of the host is in reach', async () => {
    expect((await probe('ls', '/../..')).stdout).toBe((await probe('ls', '/')).stdout);
    expect((await probe('ls', '/proc/1/root')).stdout).toBe((await probe('ls', '/')).stdout);
  });

  it('may be named by a relative path or a link', async () => {
    const link = `${rootfs}-link`;
    symlinkSync(rootfs, link);
    try {
      expect((await startRun(['--rootfs', link, '/probe', 'hello']).finished).stdout).toBe('hello\n');
    } finally {
      rmSync(link);
    }
  });
});

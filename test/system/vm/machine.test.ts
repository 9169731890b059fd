// Needs qemu-system-x86_64 (or -aarch64) and a guest kernel in the cache; runs by emulation, so without /dev/kvm and
// without root.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runDir } from '../../../src/base/paths.js';
import { Machine } from '../../../src/vm/machine.js';
import { qemuAndKernel, request, runGuest, START_DEADLINE_MS } from './on-the-machine.js';

const TIMEOUT = START_DEADLINE_MS + 30_000;

function leftovers(): string[] {
  const files = readdirSync(runDir(), { recursive: true })
    .map(String)
    .filter((name) => /(^|\/)vm-/.test(name));
  const processes = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('qemu-system') && line.includes(runDir()));
  return [...files, ...processes];
}

describe('a machine', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'vlab-vm-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
    expect(leftovers()).toEqual([]);
  });

  for (const machine of ['q35', 'microvm'] as const) {
    test(
      `${machine} runs a program: output, errors, exit code, environment, host name, its own root`,
      async (context) => {
        const { qemu, kernel } = await qemuAndKernel(context);
        const wish = await request(kernel, ['/probe', 'env'], { machine, env: { GREETING: 'good day' } });
        const env = await runGuest(wish, { qemu });
        expect(env.end).toEqual({ kind: 'exited', code: 0 });
        expect(env.stdout.toString().split('\n')).toContain('GREETING=good day');
        const failed = await runGuest({ ...wish, command: ['/probe', 'stderr', 'oops'] }, { qemu });
        expect([failed.stdout.toString(), failed.stderr.toString()]).toEqual(['', 'oops\n']);
      },
      TIMEOUT * 2,
    );
  }

  test(
    'passes 10 MB through standard input and output, intact',
    async (context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      mkdirSync(join(root, 'bin'));
      writeFileSync(join(root, 'bin/cat'), CAT_C);
      execFileSync('cc', ['-x', 'c', '-O2', '-static', '-o', join(root, 'cat'), join(root, 'bin/cat')]);
      const input = Buffer.alloc(10_000_000);
      for (let at = 0; at < input.length; at++) input[at] = (at * 2654435761) >>> 24;
      const wish = await request(kernel, ['/cat'], { rootfs: root, stdin: true });
      const { end, stdout } = await runGuest(wish, { qemu, input });
      expect(end).toEqual({ kind: 'exited', code: 0 });
      expect(digest(stdout)).toBe(digest(input));
    },
    TIMEOUT,
  );

  test(
    'passes every exit code on',
    async (context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      for (const code of [0, 1, 42, 127, 128, 255]) {
        const { end } = await runGuest(await request(kernel, ['/probe', 'exit', String(code)]), { qemu });
        expect(end).toEqual({ kind: 'exited', code });
      }
    },
    TIMEOUT * 3,
  );

  test(
    'tells the signal that ended the program, and delivers signals to it',
    async (context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      expect((await runGuest(await request(kernel, ['/probe', 'abort']), { qemu })).end).toEqual({
        kind: 'killed',
        signal: 6,
      });
      await using machine = await Machine.start(await request(kernel, ['/probe', 'trap'], { signals: true }), {
        qemu,
        deadlineMs: START_DEADLINE_MS,
      });
      machine.stderr.resume();
      const said: string[] = [];
      machine.stdout.on('data', (chunk: Buffer) => {
        said.push(chunk.toString());
        if (said.length === 1) machine.signal(15);
      });
      expect(await machine.wait()).toEqual({ kind: 'exited', code: 0 });
      expect(said.join('')).toBe('ready\nsignal 15\n');
    },
    TIMEOUT * 2,
  );

  test(
    'keeps links, modes and names that are not UTF-8',
    async (context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      const name = Buffer.from([0x66, 0xff, 0xfe]);
      writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), 'odd');
      symlinkSync('target', join(root, 'link'));
      writeFileSync(join(root, 'ls'), LIST_C);
      execFileSync('cc', ['-x', 'c', '-O2', '-static', '-o', join(root, 'list'), join(root, 'ls')]);
      const { stdout } = await runGuest(await request(kernel, ['/list'], { rootfs: root }), { qemu });
      const lines = stdout.toString('latin1').split('\n');
      expect(lines).toContain('f\xff\xfe 100644');
      expect(lines).toContain('link 120777');
      expect(
        lines.filter((line) => /^(dev|proc|sys) 40/.test(line)),
        lines.join('\n'),
      ).toHaveLength(3);
      expect(lines.some((line) => /^(init|plan|modules|rootfs) /.test(line))).toBe(false);
    },
    TIMEOUT,
  );

  test(
    'says what it cannot run, and that a directory is missing',
    async (context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      const absent = await runGuest(await request(kernel, ['/absent']), { qemu });
      expect(absent.end).toEqual({ kind: 'not-run', errno: 2 });
      const nowhere = runGuest(await request(kernel, ['/probe', 'hello'], { cwd: '/nowhere' }), { qemu });
      await expect(nowhere).rejects.toThrow(
        /could not go to the working directory \/nowhere: step \d+, chdir\("\/nowhere"\): ENOENT/,
      );
    },
    TIMEOUT * 2,
  );

  test(
    'a panic is an error, not a hang',
    async (context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      const wish = await request(kernel, ['/probe', 'hello'], { append: ['rdinit=/absent', 'root=/dev/absent'] });
      await expect(runGuest(wish, { qemu })).rejects.toThrow(/the guest's kernel panicked: .*root/);
    },
    TIMEOUT,
  );

  test('a kernel without a needed driver is refused before anything starts, naming the option', async (context) => {
    const { qemu, kernel } = await qemuAndKernel(context);
    const config = new Map([...kernel.config].filter(([option]) => option !== 'VIRTIO_CONSOLE'));
    const wish = await request({ ...kernel, config }, ['/probe', 'hello']);
    await expect(Machine.start(wish, { qemu })).rejects.toThrow('CONFIG_VIRTIO_CONSOLE (output and exit status');
  });

  test(
    'a driver that the kernel does not load is named by the step of the guest',
    async (context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      // The configuration claims that the bus's driver is built in: no module is loaded, so no port ever appears.
      const config = new Map([...kernel.config, ['VIRTIO_PCI', 'y']]);
      const wish = await request({ ...kernel, config }, ['/probe', 'hello']);
      await expect(runGuest(wish, { qemu })).rejects.toThrow(/could not wait for a new device node/);
    },
    TIMEOUT,
  );

  test('too little memory is refused with the size that would do', async (context) => {
    const { qemu, kernel } = await qemuAndKernel(context);
    writeFileSync(join(root, 'big'), Buffer.alloc(80 << 20));
    const wish = await request(kernel, ['/big'], { rootfs: root });
    await expect(Machine.start(wish, { qemu })).rejects.toMatchObject({
      message: expect.stringContaining('128 MiB of memory do not hold the root file system of 80 MiB'),
      hint: expect.stringContaining('at least 224 MiB'),
    });
  });

  test(
    'a program that never ends meets the deadline',
    async (context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      const wish = await request(kernel, ['/probe', 'sleep', '1000']);
      await expect(runGuest(wish, { qemu, deadlineMs: 15_000 })).rejects.toMatchObject({ exitCode: 124 });
    },
    TIMEOUT,
  );

  test('a QEMU that cannot start says why', async (context) => {
    const { qemu, kernel } = await qemuAndKernel(context);
    const wish = await request(kernel, ['/probe', 'hello'], { cpus: 100_000 });
    await expect(Machine.start(wish, { qemu })).rejects.toThrow(/QEMU ended with code 1: .*(CPUs|smp|cpus)/i);
  });

  test.for([0, 5, 50, 300, 1500])(
    'cancelled after %i ms it leaves nothing',
    { timeout: TIMEOUT },
    async (ms, context) => {
      const { qemu, kernel } = await qemuAndKernel(context);
      const cancel = new AbortController();
      const timer = setTimeout(() => cancel.abort(new Error('cancelled')), ms);
      const ended = runGuest(await request(kernel, ['/probe', 'sleep', '1000']), { qemu, signal: cancel.signal });
      await expect(ended).rejects.toThrow('cancelled');
      clearTimeout(timer);
    },
  );
});

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const CAT_C = `
#include <unistd.h>
int main(void) {
  static char buffer[65536];
  for (long n; (n = read(0, buffer, sizeof buffer)) > 0;)
    for (long at = 0, done; at < n; at += done) if ((done = write(1, buffer + at, n - at)) < 0) return 1;
  return 0;
}`;

const LIST_C = `
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
int main(void) {
  DIR *root = opendir("/");
  struct stat st;
  for (struct dirent *entry; (entry = readdir(root));)
    if (!lstat(entry->d_name, &st)) printf("%s %o\\n", entry->d_name, st.st_mode);
  return 0;
}`;

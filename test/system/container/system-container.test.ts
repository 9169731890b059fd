/** `vlab run --system` boots an init: systemd in a Debian root, and busybox's. Needs root; Debian's needs mmdebstrap and a mirror. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTimeOf } from '../../../src/sys/owners.js';
import { isRoot, needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { debianRoot } from './debian-root.js';
import { BIN, startRun } from './vlab-run.js';

const execFileAsync = promisify(execFile);

interface Said {
  code: number;
  stdout: string;
}

async function vlab(...words: string[]): Promise<Said> {
  try {
    const { stdout } = await execFileAsync(process.execPath, [BIN, ...words]);
    return { code: 0, stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout: `${stdout}${stderr}` };
  }
}

interface Booted {
  id: string;
  pid: number;
}

const booted: Booted[] = [];

async function boot(rootfs: string, ...flags: string[]): Promise<Booted> {
  const { stdout } = await vlab('run', '--json', '-d', '--system', '--rootfs', rootfs, ...flags);
  const { id, pid } = JSON.parse(stdout) as Booted;
  booted.push({ id, pid });
  return { id, pid };
}

async function untilEnded(pid: number): Promise<void> {
  await until(() => startTimeOf(pid) === undefined, 'its init has ended', 20_000);
}

/** What a command in the container says, once it says something that fits. */
async function untilSays(id: string, command: string[], fits: RegExp): Promise<string> {
  let said = '';
  for (const began = Date.now(); Date.now() - began < 30_000; await sleep(200)) {
    said = (await vlab('exec', id, ...command)).stdout;
    if (fits.test(said)) return said;
  }
  throw new Error(`${command.join(' ')} says ${JSON.stringify(said)}`);
}

afterEach(async () => {
  for (const { id, pid } of booted.splice(0)) {
    await vlab('kill', id);
    await untilEnded(pid);
  }
  await vlab('ps'); // takes away what ended
});

describe('systemd', () => {
  let rootfs: string | undefined;
  beforeAll(async () => {
    rootfs = isRoot ? await debianRoot() : undefined;
  }, 320_000);

  it('boots to the end, with a journal, services and cgroups of its own, and halts when it is asked to', async (context) => {
    needs(context, 'root', isRoot);
    needs(context, 'debian root', rootfs !== undefined);
    const { id, pid } = await boot(rootfs ?? '');
    expect(await untilSays(id, ['systemctl', 'is-system-running'], /^(running|degraded)/)).toBe('running\n');
    const failed = await vlab('exec', id, 'systemctl', '--failed', '--no-legend', '--plain');
    expect(failed).toEqual({ code: 0, stdout: '' });
    expect((await vlab('exec', id, 'journalctl', '--no-pager')).stdout).toContain('Startup finished');
    expect((await vlab('exec', id, 'busctl', 'status')).code).toBe(0);
    expect((await vlab('exec', id, 'sh', '-c', 'tr "\\0" "\\n" < /proc/1/environ')).stdout).toContain('container=vlab');
    // A service of one's own is started, answers, and has a cgroup below the container's.
    const started = await vlab('exec', id, 'systemd-run', '--unit=ours', 'sleep', '1000');
    expect(started.code).toBe(0);
    expect((await vlab('exec', id, 'systemctl', 'is-active', 'ours')).stdout).toBe('active\n');
    const cgroup = (await vlab('exec', id, 'sh', '-c', 'cat /proc/$(systemctl show -P MainPID ours)/cgroup')).stdout;
    expect(cgroup).toContain('/system.slice/ours.service');
    // A login shell is a further program.
    const shell = await vlab('exec', id, 'bash', '-l', '-c', 'echo $0 $HOME; exit 7');
    expect(shell).toEqual({ code: 7, stdout: 'bash /root\n' });
    expect((await vlab('kill', '--signal', 'SIGRTMIN+3', id)).code).toBe(0);
    await untilEnded(pid);
  });

  it('boots again when it reboots, and ends with 0 when it halts', async (context) => {
    needs(context, 'root', isRoot);
    needs(context, 'debian root', rootfs !== undefined);
    const running = startRun(['--system', '--rootfs', rootfs ?? '']);
    await until(() => running.firstProcess() > 1, 'an init runs', 10_000);
    const first = running.firstProcess();
    const systemctl = (word: string) =>
      execFileAsync('nsenter', ['-t', String(running.firstProcess()), '-a', 'systemctl', word]).catch(() => {});
    const isUp = async () => {
      const pid = running.firstProcess();
      if (pid <= 1) return false;
      const { stdout } = await execFileAsync('nsenter', [
        '-t',
        String(pid),
        '-a',
        'systemctl',
        'is-system-running',
      ]).catch((error: { stdout: string }) => error);
      return /running|degraded/.test(stdout ?? '');
    };
    const untilUp = async () => {
      for (const began = Date.now(); !(await isUp()); await sleep(200)) {
        if (Date.now() - began > 30_000) throw new Error(`systemd is not up after 30 s: ${running.firstProcess()}`);
      }
    };
    await untilUp();
    await systemctl('reboot');
    await until(() => ![0, 1, first].includes(running.firstProcess()), 'another init runs', 20_000);
    await untilUp();
    process.kill(running.child.pid ?? 0, 'SIGTERM'); // becomes systemd's own way to halt
    expect((await running.finished).code).toBe(0);
  });
});

/** Only busybox, as init. */
function busyboxRoot(): string {
  const rootfs = mkdtempSync(join(tmpdir(), 'vlab-busybox-'));
  for (const name of ['bin', 'sbin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'root']) mkdirSync(join(rootfs, name));
  copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'));
  for (const name of ['sh', 'sleep', 'cat', 'touch']) symlinkSync('busybox', join(rootfs, 'bin', name));
  symlinkSync('../bin/busybox', join(rootfs, 'sbin/init'));
  writeFileSync(join(rootfs, 'etc/inittab'), '::sysinit:/bin/touch /run/booted\n::respawn:/bin/sleep 1000\n');
  return rootfs;
}

describe('busybox', () => {
  let rootfs: string;
  beforeEach((context) => {
    needs(context, 'root', isRoot);
    needs(context, 'busybox-static', existsSync('/bin/busybox'));
    rootfs = busyboxRoot();
    return () => rmSync(rootfs, { recursive: true });
  });

  it('boots, runs what inittab says, and powers off when it is asked to', async () => {
    const { id, pid } = await boot(rootfs);
    await untilSays(id, ['sh', '-c', 'cd /run && echo *'], /booted/);
    expect((await vlab('kill', '--signal', 'USR2', id)).code).toBe(0);
    await untilEnded(pid);
  });

  it('may write its cgroups, and raises none of its limits', async () => {
    const raise =
      'for file in $(find /sys/fs/cgroup -name "*.limit_in_bytes" -o -name "*.max"); do echo 999999999 > $file; done';
    // What is read is not in its memory twice: tail(1) keeps it all.
    const take = 'head -c 100000000 /dev/zero | tail -c 100000000 | wc -c';
    const made = 'mkdir /sys/fs/cgroup/*/own /sys/fs/cgroup/own; echo made $(find /sys/fs/cgroup -name own | wc -l)';
    const script = `(${raise}; ${made}) 2>/dev/null; ${take}; echo goes on`;
    const { stdout } = await vlab(
      'run',
      '--system',
      '--memory',
      '64m',
      '--rootfs',
      rootfs,
      '--',
      '/bin/busybox',
      'sh',
      '-c',
      script,
    );
    expect(stdout).toMatch(/^made [1-9]/);
    expect(stdout).not.toContain('100000000');
  });
});

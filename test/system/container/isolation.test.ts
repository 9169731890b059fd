// What a container may not do, and what it sees: mounts, masks, capabilities, devices. Needs root, and dist/ (npm test builds it).
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { capabilityMask, DEFAULT_CAPABILITIES } from '../../../src/container/config/capabilities.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import { BIN, runProbe, withRootfs } from './vlab-run.js';

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});

const probe = async (...words: string[]) => (await runProbe(rootfs, [], words)).stdout.trimEnd();

const { maskedPaths, readonlyPaths } = defaultConfig({ id: 'x', rootfs: '/', command: [], env: {} }).linux;
const there = (path: string) => statSync(path, { throwIfNoEntry: false });

describe('mounts', () => {
  it('are these, with these options, and no more', async () => {
    const lines = (await probe('cat', '/proc/self/mountinfo')).split('\n').map((line) => line.split(' '));
    const mounts = new Map(lines.map((words) => [words[4] ?? '', words]));
    const covers = [...maskedPaths, ...readonlyPaths].filter((path) => there(path));
    expect([...mounts.keys()].sort()).toEqual(
      ['/', '/proc', '/sys', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', ...covers].sort(),
    );
    expect(mounts.size).toBe(lines.length); // nothing lies under anything
    const options = (path: string) => mounts.get(path)?.[5]?.split(',') ?? [];
    for (const path of ['/proc', '/sys', '/dev/shm', '/dev/mqueue']) {
      expect(options(path), path).toEqual(expect.arrayContaining(['nosuid', 'nodev', 'noexec']));
    }
    expect(options('/sys')).toContain('ro');
    expect(options('/dev')).toContain('nosuid');
    for (const words of lines) expect(words.slice(6, words.indexOf('-')), 'no propagation').toEqual([]);
  });

  it('that are masked show nothing', async () => {
    const present = maskedPaths.filter((path) => there(path));
    expect(present.length).toBeGreaterThan(0);
    for (const path of present) {
      const seen = there(path)?.isDirectory() ? await probe('ls', path) : await probe('cat', path);
      expect(seen, path).toBe('');
    }
  });

  it('that are masked cannot be written', async () => {
    for (const path of maskedPaths.filter((one) => there(one)?.isDirectory())) {
      expect(await probe('make', `${path}/x`), path).toMatch(/Read-only file system|Permission denied/);
    }
  });

  it('that are read-only cannot be written', async () => {
    expect(await probe('open', '/proc/sys/kernel/hostname', 'w')).toContain('Read-only file system');
    expect(await probe('open', '/sys/kernel/mm/transparent_hugepage/enabled', 'w')).toMatch(/Read-only|No such file/);
  });

  it('cannot be added to, nor namespaces made', async () => {
    expect(await probe('mount', '/tmp')).toBe('mount: Operation not permitted');
  });
});

describe('privileges', () => {
  it('are the default capabilities, nothing to inherit, and none to gain', async () => {
    const status = await probe('cat', '/proc/self/status');
    const field = (name: string) => new RegExp(`^${name}:\\s*(\\S*)$`, 'm').exec(status)?.[1];
    const mask = capabilityMask(DEFAULT_CAPABILITIES).toString(16).padStart(16, '0');
    const none = '0'.repeat(16);
    expect(['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(field)).toEqual([none, mask, mask, mask, none]);
    expect(field('NoNewPrivs')).toBe('1');
    expect(field('Groups')).toBe('');
    expect(field('SigBlk')).toBe(none);
    expect(field('SigIgn')).toBe(none);
  });
});

describe('devices', () => {
  it('are these', async () => {
    expect((await probe('ls', '/dev')).split('\n').sort()).toEqual(
      [
        'fd',
        'full',
        'mqueue',
        'null',
        'ptmx',
        'pts',
        'random',
        'shm',
        'stderr',
        'stdin',
        'stdout',
        'tty',
        'urandom',
        'zero',
      ].sort(),
    );
  });

  it.each(['null', 'zero', 'full', 'random', 'urandom'])('/dev/%s can be opened', async (name) => {
    expect(await probe('open', `/dev/${name}`, 'w')).toBe(`/dev/${name}: ok`);
  });

  it('/dev/stdin leads to the program’s own descriptor', async () => {
    // A pipe of the shell: Node's own are sockets, which cannot be opened again.
    const command = `echo through /dev | ${process.execPath} ${BIN} run --rootfs ${rootfs} /probe cat /dev/stdin`;
    expect(spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout).toBe('through /dev\n');
  });

  it.each([
    ['a block device of the host', 'b', blockDevice()],
    ['/dev/kmsg', 'c', [1, 11]],
    ['/dev/mem', 'c', [1, 1]],
  ] as const)('%s may be made, for making opens nothing, but not opened', async (_, type, [major, minor]) => {
    const outcome = await probe('mknod-open', '/tmp/node', type, String(major), String(minor));
    expect(outcome).toBe('mknod: ok\nopen: Operation not permitted');
  });
});

/** The device that holds the root file system, or the first SCSI disk where that is none. */
function blockDevice(): readonly [number, number] {
  const { dev } = statSync('/');
  const major = (dev >> 8) & 0xfff;
  return major > 0 ? [major, dev & 0xff] : [8, 0];
}

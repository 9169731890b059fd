// Device nodes, the links beside them, masked and read-only paths, on the real kernel. Needs root.

import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OciConfig, OciDevice } from '../../../src/container/config/schema.js';
import { nativeBinary } from '../../../src/sys/native.js';
import { isRoot, needs } from '../../skips.js';
import { mountAt, mountsOf, runConfig } from './run-config.js';
import { expectNothingNew, ownRootfs } from './vlab-run.js';

let rootfs: string;
let leftovers: () => Promise<void>;
beforeEach(async (context) => {
  needs(context, 'root', isRoot);
  rootfs = await ownRootfs();
  leftovers = expectNothingNew(rootfs);
});
afterEach(async () => {
  await leftovers();
  rmSync(rootfs, { recursive: true });
});

const DEFAULTS = ['full', 'null', 'random', 'tty', 'urandom', 'zero'];
const devices = (...list: OciDevice[]) => ({
  change: ({ linux }: OciConfig) => {
    linux.devices = list;
  },
});
const stat = async (paths: string[], more: object = {}) => {
  const { stdout } = await runConfig({ rootfs, words: ['stat', ...paths], ...more });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(': ')[1]);
};
/** A configuration without mounts at and below /dev: what is there is the image's. */
const withoutDev = (config: OciConfig) => {
  config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
};
const mknod = (path: string, ...words: string[]) => spawnSync('mknod', [join(rootfs, path), ...words]);

describe('devices', () => {
  it('are of every type, with mode and owner, in directories that are made', async () => {
    const asked = devices(
      { path: '/dev/some/deep/char', type: 'c', major: 10, minor: 229, fileMode: 0o640, uid: 7, gid: 8 },
      { path: '/dev/unbuffered', type: 'u', major: 1, minor: 700_000 },
      { path: '/dev/block', type: 'b', major: 259, minor: 3, fileMode: 0o600, gid: 6 },
      { path: '/dev/fifo', type: 'p', fileMode: 0o622 },
      { path: '/elsewhere/node', type: 'c', major: 1, minor: 3 },
      { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o444 },
    );
    const names = ['/dev/some/deep/char', '/dev/unbuffered', '/dev/block', '/dev/fifo', '/elsewhere/node', '/dev/full'];
    expect(await stat(names, asked)).toEqual([
      '20640 7:8 10:229',
      '20666 0:0 1:700000',
      '60600 0:6 259:3',
      '10622 0:0 0:0',
      '20666 0:0 1:3',
      '20444 0:0 1:7',
    ]);
    const { stdout } = await runConfig({ rootfs, words: ['ls', '/dev'], ...asked });
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(DEFAULTS));
  });

  it('need a number that is one', async () => {
    const broken = (device: Omit<OciDevice, 'path'>) =>
      runConfig({ rootfs, words: ['true'], ...devices({ path: '/dev/x', ...device }) });
    await expect(broken({ type: 'c', minor: 1 })).rejects.toThrow('linux.devices[0].major is needed');
    await expect(broken({ type: 'b', major: 1 })).rejects.toThrow('linux.devices[0].minor is needed');
    await expect(broken({ type: 'c', major: 4096, minor: 0 })).rejects.toThrow(
      'linux.devices[0].major is no device number',
    );
    await expect(broken({ type: 'c', major: 0, minor: -1 })).rejects.toThrow(
      'linux.devices[0].minor is no device number',
    );
  });

  it('that were asked for twice must be the same', async () => {
    const node = (minor: number): OciDevice => ({ path: '/dev/x', type: 'c', major: 1, minor });
    expect(await stat(['/dev/x'], devices(node(3), node(3)))).toEqual(['20666 0:0 1:3']);
    await expect(stat(['/dev/x'], devices(node(3), node(5)))).rejects.toThrow(
      /^config.json: linux.devices\[1\]: .*result 3/,
    );
  });

  it('are made in the image where nothing is mounted at /dev', async () => {
    mknod('dev/null', 'c', '1', '3');
    chmodSync(join(rootfs, 'dev/null'), 0o600);
    symlinkSync('elsewhere', join(rootfs, 'dev/fd'));
    expect(await stat(['/dev/null', '/dev/zero'], { change: withoutDev })).toEqual(['20600 0:0 1:3', '20666 0:0 1:5']);
    expect(readlinkSync(join(rootfs, 'dev/fd'))).toBe('elsewhere');
    expect(readlinkSync(join(rootfs, 'dev/ptmx'))).toBe('pts/ptmx');
  });

  it('of an image without /dev are made too', async () => {
    rmSync(join(rootfs, 'dev'), { recursive: true });
    expect(await stat(['/dev/tty'], { change: withoutDev })).toEqual(['20666 0:0 5:0']);
  });

  it.each([
    ['another device', () => void mknod('dev/zero', 'c', '1', '3')],
    ['a file', () => writeFileSync(join(rootfs, 'dev/zero'), '')],
    ['a link to one', () => symlinkSync('null', join(rootfs, 'dev/zero'))],
    ['a link to one of the host', () => symlinkSync('/../../../../../../dev/zero', join(rootfs, 'dev/zero'))],
  ])('that are %s in the image are refused', async (_, make) => {
    make();
    await expect(stat(['/dev/zero'], { change: withoutDev })).rejects.toThrow(
      /could not (it must be a char|of number|and 5)/,
    );
  });

  it('are left alone where /dev is bound', async () => {
    const mounts = [{ destination: '/dev', source: join(rootfs, 'tmp'), options: ['bind'] }];
    const change = (config: OciConfig) => {
      withoutDev(config);
      config.linux.devices = [
        { path: '/dev/null', type: 'c', major: 1, minor: 3 },
        { path: '/other/null', type: 'c', major: 1, minor: 3 },
      ];
    };
    expect((await runConfig({ rootfs, mounts, change, words: ['ls', '/dev'] })).stdout).toBe('');
    expect(await stat(['/other/null'], { mounts, change })).toEqual(['20666 0:0 1:3']);
  });

  it('are shown in a user namespace', async () => {
    const seen = await mountsOf({ rootfs, situation: { inUserNamespace: true } });
    for (const name of DEFAULTS) expect(mountAt(seen, `/dev/${name}`)).toMatchObject({ root: `/${name}` });
    const other = devices({ path: '/dev/zero', type: 'c', major: 1, minor: 3 });
    await expect(stat(['/dev/zero'], { ...other, situation: { inUserNamespace: true } })).rejects.toThrow(
      /^config.json: linux.devices\[0\]: could not and 3: .*result 5/,
    );
  });

  it('are shown where making them is refused', async () => {
    const situation = { inContainer: true };
    expect(
      await stat(
        DEFAULTS.map((name) => `/dev/${name}`),
        { situation },
      ),
    ).toHaveLength(6);
    expect((await mountsOf({ rootfs, situation })).map(({ path }) => path)).not.toContain('/dev/zero');
    const seen = await mountsOf({
      rootfs,
      situation,
      tamper(plan) {
        // A devpts lets nobody make nodes, and says EPERM as a device cgroup or a missing capability does.
        const pts = plan.steps.find(({ call, result }) => call === 'fsmount' && result?.text === '/dev/pts')?.result;
        const zero = plan.steps.find(({ call, why }) => call === 'mknodat' && why === 'make /dev/zero');
        if (!pts || !zero) throw new Error('there are no such steps');
        zero.args[0] = pts;
      },
    });
    for (const name of DEFAULTS) expect(mountAt(seen, `/dev/${name}`)).toMatchObject({ root: `/${name}` });
    expect(seen.filter(({ path }) => path === '/dev/null')).toHaveLength(1);
  });
});

describe('a terminal', () => {
  const relayed = async (change: (config: OciConfig) => void, mounts: { destination: string }[] = []) => {
    const terminal = (config: OciConfig) => {
      config.process.terminal = true;
      change(config);
    };
    const relayPath = await nativeBinary('vlab-relay');
    return runConfig({ rootfs, mounts, change: terminal, relayPath, words: ['stat', '/dev/console'] });
  };

  it('is there with the default /dev', async () => {
    expect((await relayed(() => {})).stdout).toMatch(/\/dev\/console: 20\d\d\d 0:\d+ 136:/);
  });

  it('is there where /dev is the image’s', async () => {
    mkdirSync(join(rootfs, 'dev/pts'));
    writeFileSync(join(rootfs, 'dev/console'), '');
    const onlyPts = (config: OciConfig) => {
      config.mounts = config.mounts.filter(({ destination }) => !/^\/dev(?!\/pts)/.test(destination));
    };
    expect((await relayed(onlyPts)).stdout).toMatch(/\/dev\/console: 20\d\d\d 0:\d+ 136:/);
    expect(lstatSync(join(rootfs, 'dev/console')).isFile()).toBe(true);
  });

  it('is there where /dev and its devpts are bound', async () => {
    const dev = { destination: '/dev', source: '/dev', options: ['rbind', 'rprivate'] };
    expect((await relayed(withoutDev, [dev])).stdout).toMatch(/\/dev\/console: 20\d\d\d 0:\d+ 136:/);
  });
});

describe('masked paths', () => {
  const masks = (...paths: string[]) => ({
    change: ({ linux }: OciConfig) => {
      linux.maskedPaths = paths;
      linux.readonlyPaths = [];
    },
  });

  it('are any paths: of the image, by links, or not there', async () => {
    mkdirSync(join(rootfs, 'secret/deep'), { recursive: true });
    writeFileSync(join(rootfs, 'secret/deep/key'), 'secret\n');
    writeFileSync(join(rootfs, 'password'), 'secret\n');
    symlinkSync('/secret', join(rootfs, 'link'));
    symlinkSync('/../../../etc/passwd', join(rootfs, 'outwards'));
    const more = masks(
      '/link/deep',
      '/password',
      '/none',
      '/password/below',
      '/outwards',
      '/proc/keys',
      '/proc/acpi',
      '/sys/firmware',
    );
    const seen = await mountsOf({ rootfs, ...more });
    expect(mountAt(seen, '/secret/deep')).toMatchObject({ type: 'tmpfs', options: expect.arrayContaining(['ro']) });
    expect(mountAt(seen, '/password')).toMatchObject({ root: '/null' });
    expect(mountAt(seen, '/proc/keys')).toMatchObject({ root: '/null' });
    expect(seen).toHaveLength(7 + 4 + (seen.some(({ path }) => path === '/proc/acpi') ? 1 : 0));
    expect((await runConfig({ rootfs, ...more, words: ['cat', '/password'] })).stdout).toBe('');
    expect((await runConfig({ rootfs, ...more, words: ['make', '/secret/deep/x'] })).stdout).toContain('Read-only');
  });

  it.each([
    ['a link to a file of the kernel', () => symlinkSync('/proc/sys/kernel/core_pattern', join(rootfs, 'dev/null'))],
    ['a file', () => writeFileSync(join(rootfs, 'dev/null'), 'not null\n')],
  ])('are not covered by a /dev/null of the image that is %s', async (_, make) => {
    make();
    writeFileSync(join(rootfs, 'password'), 'secret\n');
    const mask = masks('/proc/keys', '/password');
    const mounts = [{ destination: '/dev', source: join(rootfs, 'dev'), options: ['rbind'] }];
    const change = (config: OciConfig) => {
      withoutDev(config);
      mask.change(config);
    };
    const seen = await mountsOf({ rootfs, mounts, change });
    for (const path of ['/proc/keys', '/password']) {
      expect(mountAt(seen, path)).toMatchObject({ root: '/null', type: 'devtmpfs' });
      expect((await runConfig({ rootfs, mounts, change, words: ['cat', path] })).stdout).toBe('');
    }
  });

  it('nor by one that a volume or a device of the configuration puts there', async () => {
    const mask = masks('/proc/keys');
    const mounts = [{ destination: '/dev/null', source: '/dev/zero', options: ['bind'] }];
    expect(mountAt(await mountsOf({ rootfs, mounts, ...mask }), '/proc/keys')).toMatchObject({
      root: '/null',
      type: 'devtmpfs',
    });
    const change = (config: OciConfig) => {
      mask.change(config);
      config.linux.devices = [{ path: '/dev/null', type: 'c', major: 1, minor: 5 }];
    };
    expect(mountAt(await mountsOf({ rootfs, change }), '/proc/keys')).toMatchObject({
      root: '/null',
      type: 'devtmpfs',
    });
  });

  it('would be told if the host had another /dev/null', async () => {
    const run = runConfig({
      rootfs,
      ...masks('/probe'),
      words: ['true'],
      mounts: [{ destination: '/dev/null', source: '/dev/zero', options: ['bind'] }],
      tamper(plan) {
        const open = plan.steps.find(({ call, why }) => call === 'openat' && why.includes("host's /dev/null"));
        const at = plan.data.indexOf(Buffer.from('/dev/null\0').toString('latin1').charCodeAt(0), 0);
        const path = Buffer.from(plan.data).indexOf('/dev/null\0');
        if (!open || at < 0 || path < 0) throw new Error('there is no such step');
        plan.data.set(Buffer.from('/dev/zero\0'), path);
      },
    });
    await expect(run).rejects.toThrow(/could not and 3: .*result 5/);
  });

  it('of a proc that lacks what the host’s has are no error', async () => {
    const change = (config: OciConfig) => {
      masks('/proc/keys', '/proc/kcore').change(config);
      config.linux.readonlyPaths = ['/proc/sys', '/proc/bus'];
      config.mounts = config.mounts.map((mount) =>
        mount.type === 'proc' ? { ...mount, options: ['subset=pid'] } : mount,
      );
    };
    const kernelPaths = { '/proc/keys': 'file', '/proc/kcore': 'file', '/proc/sys': 'directory' } as const;
    expect(await mountsOf({ rootfs, change, situation: { kernelPaths } })).toHaveLength(7);
  });
});

describe('read-only paths', () => {
  it('are any paths that are there', async () => {
    mkdirSync(join(rootfs, 'kept'));
    symlinkSync('/kept', join(rootfs, 'link'));
    const change = ({ linux }: OciConfig) => {
      linux.maskedPaths = [];
      linux.readonlyPaths = ['/link', '/none', '/proc/sys', '/probe', '/dev/shm'];
    };
    const run = async (...words: string[]) => (await runConfig({ rootfs, change, words })).stdout;
    expect(await run('make', '/kept/x')).toContain('Read-only file system');
    expect(await run('make', '/dev/shm/x')).toContain('Read-only file system');
    expect(await run('open', '/probe', 'w')).toMatch(/Read-only file system|Text file busy/);
    expect(await run('open', '/proc/sys/kernel/hostname', 'w')).toContain('Read-only file system');
    expect(await run('make', '/tmp/x')).toContain('ok');
  });
});

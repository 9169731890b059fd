// The root of a container: read-only, its propagation, without pivot_root(2), without a mount namespace of its own. Needs root.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { mountAt, mountsOf, parseMountinfo, runConfig } from './run-config.js';
import { withRootfs } from './vlab-run.js';

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});

type Propagation = NonNullable<OciConfig['linux']['rootfsPropagation']>;
/** The host's mounts that have to do with these tests: others come and go. */
const hostMounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(rootfs));

describe('the root', () => {
  it('is read-only when that is asked for, and what is mounted in it is not', async () => {
    const change = ({ root }: OciConfig) => {
      root.readonly = true;
    };
    const mounts = [{ destination: '/new/place', type: 'tmpfs' }];
    const run = (...words: string[]) => runConfig({ rootfs, mounts, change, words });
    expect((await run('make', '/tmp/x')).stdout).toContain('Read-only file system');
    expect((await run('make', '/new/place/x')).stdout).toContain('ok');
    expect(mountAt(await mountsOf({ rootfs, mounts, change }), '/').options[0]).toBe('ro');
  });

  it('may be relative to the bundle, and a link', async () => {
    const link = `${rootfs}-link`;
    symlinkSync(rootfs, link);
    const change = ({ root }: OciConfig) => {
      root.path = basename(link);
    };
    const { stdout } = await runConfig({ rootfs, change, situation: { bundle: dirname(link) }, words: ['ls', '/'] });
    unlinkSync(link);
    expect(stdout.split('\n')).toContain('probe');
  });

  it('that is not there is told', async () => {
    const change = ({ root }: OciConfig) => {
      root.path = '/no/such/image';
    };
    await expect(runConfig({ rootfs, change, words: ['true'] })).rejects.toThrow(/root file system.*ENOENT/);
  });

  it.each([
    ['', [], []],
    ['private', [], []],
    ['rprivate', [], []],
    ['slave', [], []],
    ['rslave', [], []],
    ['shared', [/^shared:/], []],
    ['rshared', [/^shared:/], [/^shared:/]],
    ['unbindable', [/^unbindable$/], []],
    ['runbindable', [/^unbindable$/], [/^unbindable$/]],
  ] as [Propagation, RegExp[], RegExp[]][])('with rootfsPropagation %j', async (asked, root, below) => {
    const before = hostMounts();
    const change = ({ linux }: OciConfig) => {
      linux.rootfsPropagation = asked;
    };
    const seen = await mountsOf({ rootfs, change });
    expect(mountAt(seen, '/').tags).toEqual(root.map((tag) => expect.stringMatching(tag)));
    expect(mountAt(seen, '/proc').tags).toEqual(below.map((tag) => expect.stringMatching(tag)));
    expect(hostMounts()).toEqual(before);
  });
});

describe('without pivot_root(2)', () => {
  it('the root is as with it, and the full proc and sysfs of the host are out of reach', async () => {
    const situation = { noPivot: true };
    const before = hostMounts();
    const seen = await mountsOf({ rootfs, situation });
    expect(mountAt(seen, '/proc').type).toBe('proc');
    const { stdout } = await runConfig({ rootfs, situation, words: ['ls', '/'] });
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['dev', 'probe', 'proc', 'sys', 'tmp']));
    expect(hostMounts()).toEqual(before);
  });
});

describe('without a mount namespace of its own', () => {
  const withoutNamespace = (config: OciConfig) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'mount');
  };

  it('the root is changed by chroot(2), and its mounts go with it', async () => {
    const before = hostMounts();
    const { stdout } = await runConfig({ rootfs, change: withoutNamespace, words: ['ls', '/dev'] });
    expect(stdout.split('\n')).toContain('null');
    const seen = parseMountinfo(
      (await runConfig({ rootfs, change: withoutNamespace, words: ['cat', '/proc/self/mountinfo'] })).stdout,
    );
    expect(mountAt(seen, '/').root).toMatch(rootfs);
    expect(mountAt(seen, '/dev/shm').type).toBe('tmpfs');
    expect(hostMounts()).toEqual(before);
  });

  it('nothing of it is shared with others, even where the image is', async () => {
    const shared = join(rootfs, 'tmp/shared');
    mkdirSync(shared);
    for (const words of [
      ['--bind', rootfs, shared],
      ['--make-shared', shared],
    ]) {
      expect(spawnSync('mount', words).status).toBe(0);
    }
    const words = ['cat', '/proc/self/mountinfo'];
    const run = runConfig({ rootfs: shared, change: withoutNamespace, words });
    const { stdout } = await run.finally(() => spawnSync('umount', [shared]));
    const seen = parseMountinfo(stdout).filter(({ root, type }) => type !== 'ext4' || root !== '/');
    expect(seen.length).toBeGreaterThan(6);
    for (const mount of seen) expect(mount.tags, mount.path).toEqual([]);
  });

  it('one that is joined is changed, and the host is not', async (context) => {
    const before = hostMounts();
    const other: ChildProcess = spawn('unshare', ['-m', 'sh', '-c', 'echo ready; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    context.onTestFinished(() => void other.kill('SIGKILL'));
    if (other.stdout) await once(other.stdout, 'data');
    const change = ({ linux }: OciConfig) => {
      linux.namespaces = linux.namespaces.map((one) =>
        one.type === 'mount' ? { type: 'mount', path: `/proc/${other.pid}/ns/mnt` } : one,
      );
    };
    const { stdout } = await runConfig({ rootfs, change, words: ['ls', '/dev'] });
    expect(stdout.split('\n')).toContain('null');
    expect(hostMounts()).toEqual(before);
    expect(readFileSync(`/proc/${other.pid}/mountinfo`, 'utf8')).toContain(` ${rootfs}/dev/shm `);
    expect(existsSync(join(rootfs, 'dev/null'))).toBe(false);
  });
});

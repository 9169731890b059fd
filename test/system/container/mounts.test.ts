// Every mount option of a configuration, on the real kernel: what a container sees of it. Needs root.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountAt, mountsOf, runConfig } from './run-config.js';
import { withRootfs } from './vlab-run.js';

/** Files of the host, with a mount among them: it is there before, and so it is nothing that a container left. */
let host: string;
beforeAll(() => {
  host = mkdtempSync(join(tmpdir(), 'vlab-host-'));
  for (const name of ['tree', 'tree/sub', 'plain']) mkdirSync(join(host, name));
  writeFileSync(join(host, 'plain/file'), 'of the host\n');
  mount('-t', 'tmpfs', '-o', 'mode=755', 'vlab-test', join(host, 'tree/sub'));
  mount('--make-shared', join(host, 'tree/sub'));
});
afterAll(() => {
  spawnSync('umount', [join(host, 'tree/sub')]);
  rmSync(host, { recursive: true });
});

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** What the container's mountinfo says of a new tmpfs with these options. */
async function tmpfs(...options: string[]) {
  const mounts = [{ destination: '/m', type: 'tmpfs', source: 'some', options }];
  return mountAt(await mountsOf({ rootfs, mounts }), '/m');
}

async function bind(source: string, ...options: string[]) {
  return mountsOf({ rootfs, mounts: [{ destination: '/m', source: join(host, source), options }] });
}

describe('a new file system', () => {
  it.each([
    [[], ['rw', 'relatime'], ['rw']],
    [['defaults'], ['rw', 'relatime'], ['rw']],
    [['ro'], ['ro', 'relatime'], ['rw']],
    [['ro', 'rw'], ['rw', 'relatime'], ['rw']],
    [['nosuid', 'nodev', 'noexec'], ['rw', 'nosuid', 'nodev', 'noexec', 'relatime'], ['rw']],
    [['nosuid', 'suid', 'nodev', 'dev', 'noexec', 'exec'], ['rw', 'relatime'], ['rw']],
    [['noatime'], ['rw', 'noatime'], ['rw']],
    [['noatime', 'atime'], ['rw', 'relatime'], ['rw']],
    [['strictatime'], ['rw'], ['rw']],
    [['strictatime', 'nostrictatime'], ['rw', 'relatime'], ['rw']],
    [['strictatime', 'relatime'], ['rw', 'relatime'], ['rw']],
    [['norelatime'], ['rw', 'relatime'], ['rw']],
    [['nodiratime'], ['rw', 'nodiratime', 'relatime'], ['rw']],
    [['nodiratime', 'diratime'], ['rw', 'relatime'], ['rw']],
    [['nosymfollow'], ['rw', 'relatime', 'nosymfollow'], ['rw']],
    [['nosymfollow', 'symfollow'], ['rw', 'relatime'], ['rw']],
    [['sync'], ['rw', 'relatime'], ['rw', 'sync']],
    [['sync', 'async'], ['rw', 'relatime'], ['rw']],
    [['dirsync'], ['rw', 'relatime'], ['rw', 'dirsync']],
    [['mand'], ['rw', 'relatime'], ['rw', 'mand']],
    [['mand', 'nomand'], ['rw', 'relatime'], ['rw']],
    [['lazytime'], ['rw', 'relatime'], ['rw', 'lazytime']],
    [['lazytime', 'nolazytime'], ['rw', 'relatime'], ['rw']],
    [['silent', 'loud', 'noiversion'], ['rw', 'relatime'], ['rw']],
    [
      ['silent', 'iversion', 'noexec', 'sync', 'size=4k'],
      ['rw', 'noexec', 'relatime'],
      ['rw', 'sync', 'size=4k'],
    ],
    [['rro', 'rnosuid'], ['ro', 'nosuid', 'relatime'], ['rw']],
    [
      ['mode=700', 'size=64k', 'nr_inodes=9'],
      ['rw', 'relatime'],
      ['rw', 'size=64k', 'nr_inodes=9', 'mode=700'],
    ],
  ])('with %j', async (options, own, superblock) => {
    const seen = await tmpfs(...options);
    expect(seen).toMatchObject({ type: 'tmpfs', options: own, tags: [] });
    expect(seen.superOptions.filter((name) => !/^(mode=755|inode64|uid=0|gid=0)$/.test(name))).toEqual(superblock);
  });

  it('has the source that it is given', async () => {
    expect((await tmpfs()).source).toBe('some');
  });

  it.each([
    ['shared', [/^shared:/]],
    ['rshared', [/^shared:/]],
    ['unbindable', [/^unbindable$/]],
    ['runbindable', [/^unbindable$/]],
    ['private', []],
    ['rprivate', []],
    ['slave', []],
    ['rslave', []],
  ])('is %s', async (option, tags) => {
    expect((await tmpfs(option)).tags).toEqual(tags.map((tag) => expect.stringMatching(tag)));
  });

  it('is in place below another, and covers what was there before', async () => {
    const mounts = [
      { destination: '/a', type: 'tmpfs', options: ['ro'] },
      { destination: '/a/b/c', type: 'tmpfs' },
      { destination: 'a/d', type: 'tmpfs' },
      { destination: '/a/d', type: 'ramfs' },
    ];
    const seen = await mountsOf({ rootfs, mounts });
    expect(seen.filter(({ path }) => path.startsWith('/a')).map(({ path, type }) => `${path} ${type}`)).toEqual([
      '/a tmpfs',
      '/a/b/c tmpfs',
      '/a/d tmpfs',
      '/a/d ramfs',
    ]);
    expect(mountAt(seen, '/a').options[0]).toBe('ro');
    expect(mountAt(seen, '/a/d').options[0]).toBe('rw');
  });

  it('has the mode of the directory that it covers, as with runc', async () => {
    mkdirSync(join(rootfs, 'mode'), { mode: 0o710 });
    const mounts = [{ destination: '/mode', type: 'tmpfs' }];
    expect((await runConfig({ rootfs, mounts, words: ['stat', '/mode'] })).stdout).toMatch(/^\/mode: 40710 /);
    const asked = [{ destination: '/mode', type: 'tmpfs', options: ['mode=701'] }];
    expect((await runConfig({ rootfs, mounts: asked, words: ['stat', '/mode'] })).stdout).toMatch(/^\/mode: 40701 /);
  });

  it('of an unknown type, and an option that it does not know, are told with their JSON path', async () => {
    const failing = (type: string, ...options: string[]) =>
      runConfig({ rootfs, words: ['true'], mounts: [{ destination: '/m', type, options }] });
    await expect(failing('nosuchfs')).rejects.toThrow(
      /^config.json: mounts\[6\]: could not begin a new nosuchfs: .*ENODEV/,
    );
    await expect(failing('tmpfs', 'nodev', 'frob=1')).rejects.toThrow(
      /^config.json: mounts\[6\].options\[1\]: .*frob=1.*EINVAL/,
    );
    await expect(failing('tmpfs', 'copy')).rejects.toThrow(/^config.json: mounts\[6\].options\[0\]: /);
  });

  it('of several directories is one', async () => {
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(host, 'overlay', name), { recursive: true });
    writeFileSync(join(host, 'overlay/lower/file'), 'from below\n');
    const data = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(host, 'overlay', name)}`);
    const mounts = (...options: string[]) => [
      { destination: '/m', type: 'overlay', source: 'ov', options: [...data, ...options] },
    ];
    const run = async (words: string[], ...options: string[]) =>
      (await runConfig({ rootfs, mounts: mounts(...options), words })).stdout;
    expect(await run(['cat', '/m/file'])).toBe('from below\n');
    expect(await run(['make', '/m/new'])).toBe('/m/new: ok\n');
    expect(readdirSync(join(host, 'overlay/upper'))).toEqual(['new']);
    expect(await run(['make', '/m/other'], 'ro')).toContain('Read-only file system');
    // Where it lies in a device, its file system is read-only too, and writes nothing of its own.
    expect(mountAt(await mountsOf({ rootfs, mounts: mounts('ro') }), '/m')).toMatchObject({
      source: 'ov',
      superOptions: expect.arrayContaining(['ro']),
    });
  });

  it('takes options longer than fsconfig(2) does', async () => {
    const layers = Array.from({ length: 12 }, (_, index) => join(host, `plain/${'x'.repeat(30)}${index}`));
    for (const layer of layers) mkdirSync(layer, { recursive: true });
    const mounts = [{ destination: '/m', type: 'overlay', options: ['ro', 'nodev', `lowerdir=${layers.join(':')}`] }];
    const seen = mountAt(await mountsOf({ rootfs, mounts }), '/m');
    expect([seen.type, seen.options.slice(0, 2)]).toEqual(['overlay', ['ro', 'nodev']]);
    const long = [{ destination: '/m', type: 'tmpfs', options: [`size=${'1'.repeat(5000)}`] }];
    await expect(mountsOf({ rootfs, mounts: long })).rejects.toThrow('mounts[6].options are longer than 4095 bytes');
  });
});

describe('a bind mount', () => {
  it.each([
    [['bind'], ['rw', 'relatime']],
    [
      ['bind', 'ro'],
      ['ro', 'relatime'],
    ],
    [
      ['rbind', 'rw'],
      ['rw', 'relatime'],
    ],
    [
      ['bind', 'nosuid', 'nodev', 'noexec'],
      ['rw', 'nosuid', 'nodev', 'noexec', 'relatime'],
    ],
    [
      ['bind', 'noatime', 'nodiratime'],
      ['rw', 'noatime', 'nodiratime'],
    ],
    [['bind', 'strictatime'], ['rw']],
    [
      ['bind', 'nosymfollow'],
      ['rw', 'relatime', 'nosymfollow'],
    ],
    [
      ['bind', 'sync', 'silent'],
      ['rw', 'relatime'],
    ],
  ])('with %j', async (options, own) => {
    const seen = mountAt(await bind('plain', ...options), '/m');
    expect(seen.options).toEqual(own);
    expect(seen.root).toMatch(/vlab-host-\w+\/plain$/);
  });

  it('is recursive or not', async () => {
    const paths = async (option: string) => (await bind('tree', option)).filter(({ path }) => path.startsWith('/m'));
    expect((await paths('bind')).map(({ path }) => path)).toEqual(['/m']);
    expect((await paths('rbind')).map(({ path }) => path)).toEqual(['/m', '/m/sub']);
  });

  it.each([
    ['rro', 'ro', 'relatime'],
    ['rnosuid', 'rw', 'nosuid', 'relatime'],
    ['rnodev', 'rw', 'nodev', 'relatime'],
    ['rnoexec', 'rw', 'noexec', 'relatime'],
    ['rnodiratime', 'rw', 'nodiratime', 'relatime'],
    ['rnoatime', 'rw', 'noatime'],
    ['rstrictatime', 'rw'],
    ['rnosymfollow', 'rw', 'relatime', 'nosymfollow'],
    ['rrelatime', 'rw', 'relatime'],
  ])('%s is of all below it too, and its opposite takes it away', async (option, ...own) => {
    const seen = await bind('tree', 'rbind', option);
    expect([mountAt(seen, '/m').options, mountAt(seen, '/m/sub').options]).toEqual([own, own]);
    const opposite = OPPOSITES[option] ?? option.replace(/^rno/, 'r');
    const undone = await bind('tree', 'rbind', option.slice(1), opposite);
    expect(mountAt(undone, '/m').options).toEqual(['rw', 'relatime']);
  });
  const OPPOSITES: Record<string, string> = {
    rro: 'rrw',
    rstrictatime: 'rnostrictatime',
    rrelatime: 'rnorelatime',
  };

  it('ro is of itself alone', async () => {
    const seen = await bind('tree', 'rbind', 'ro', 'noexec');
    expect(mountAt(seen, '/m').options).toEqual(['ro', 'noexec', 'relatime']);
    expect(mountAt(seen, '/m/sub').options).toEqual(['rw', 'relatime']);
  });

  it.each([
    ['shared', [/^shared:/], []],
    ['rshared', [/^shared:/], [/^shared:/]],
    ['slave', [], []],
    ['private', [], []],
    ['rprivate', [], []],
    ['unbindable', [/^unbindable$/], []],
    ['runbindable', [/^unbindable$/], [/^unbindable$/]],
  ])('that is %s', async (option, top, below) => {
    const seen = await bind('tree', 'rbind', option);
    const tags = (path: string) => mountAt(seen, path).tags;
    expect(tags('/m')).toEqual(top.map((tag) => expect.stringMatching(tag)));
    expect(tags('/m/sub')).toEqual(below.map((tag) => expect.stringMatching(tag)));
  });

  it.each([
    [undefined, 'rbind', [/^master:/]],
    ['', 'rbind', [/^master:/]],
    ['rslave', 'rslave', [/^master:/]],
    ['rslave', 'rshared', [/^shared:/, /^master:/]],
    ['rshared', 'rbind', [/^shared:/]],
    ['rshared', 'rslave', [/^shared:/, /^master:/]],
    ['rprivate', 'rbind', []],
    ['private', 'rbind', []],
  ] as const)('of a shared one of the host, with rootfsPropagation %j and %s', async (root, option, tags) => {
    const mounts = [{ destination: '/m', source: join(host, 'tree/sub'), options: ['rbind', option] }];
    const seen = await mountsOf({
      rootfs,
      mounts,
      change: ({ linux }) => {
        delete linux.rootfsPropagation;
        if (root !== undefined) linux.rootfsPropagation = root;
      },
    });
    expect(mountAt(seen, '/m').tags).toEqual(tags.map((tag) => expect.stringMatching(tag)));
  });

  it('of a file, a device, a FIFO or a socket', async () => {
    spawnSync('mkfifo', [join(host, 'fifo')]);
    const server = createServer().listen(join(host, 'socket'));
    await once(server, 'listening');
    const mounts = [
      { destination: '/in/file', type: 'none', source: join(host, 'plain/file'), options: ['bind', 'ro'] },
      { destination: '/in/null', type: 'bind', source: '/dev/null', options: ['rbind'] },
      { destination: '/in/fifo', source: join(host, 'fifo'), options: ['bind'] },
      { destination: '/in/socket', source: join(host, 'socket'), options: ['bind'] },
      { destination: '/dev/null', source: '/dev/zero', options: ['bind'] },
    ];
    const run = (...words: string[]) => runConfig({ rootfs, mounts: mounts.slice(0, 4), words });
    const { stdout } = await run('stat', '/in/file', '/in/null', '/in/fifo', '/in/socket');
    expect(stdout.split('\n').map((line) => line.split(' ')[1])).toEqual([
      expect.stringMatching(/^100/),
      expect.stringMatching(/^20/),
      expect.stringMatching(/^10\d\d\d$/),
      expect.stringMatching(/^140/),
      undefined,
    ]);
    expect((await run('cat', '/in/file')).stdout).toBe('of the host\n');
    expect((await run('open', '/in/file', 'w')).stdout).toContain('Read-only file system');
    server.close();
  });

  it('has a source that is relative to the bundle', async () => {
    const mounts = [{ destination: 'm/n', source: 'plain', options: ['rbind'] }];
    const situation = { bundle: host };
    const { stdout } = await runConfig({ rootfs, mounts, situation, words: ['cat', '/m/n/file'] });
    expect(stdout).toBe('of the host\n');
  });

  it('without a source, or with one that is not there, is told', async () => {
    const failing = (more: object) =>
      runConfig({ rootfs, words: ['true'], mounts: [{ destination: '/m', options: ['bind'], ...more }] });
    await expect(failing({})).rejects.toThrow('mounts[6].source is needed for a bind mount');
    await expect(failing({ source: '/no/such' })).rejects.toThrow(
      /^config.json: mounts\[6\].source: .*\/no\/such.*ENOENT/,
    );
    await expect(failing({ options: [], type: 'none' })).rejects.toThrow('mounts[6].type must name a file system');
  });
});

describe('remount', () => {
  it('changes the mount, its file system, or how it spreads, and keeps the rest', async () => {
    const mounts = [
      { destination: '/m', type: 'tmpfs', options: ['nosuid', 'size=4k'] },
      { destination: '/m', type: 'tmpfs', options: ['remount', 'noexec', 'size=8k', 'sync'] },
      { destination: '/n', source: join(host, 'tree'), options: ['rbind', 'nodev'] },
      { destination: '/n', options: ['bind', 'remount', 'ro'] },
      { destination: '/n', type: 'none', options: ['rshared'] },
    ];
    const seen = await mountsOf({ rootfs, mounts });
    expect(mountAt(seen, '/m').options).toEqual(['rw', 'nosuid', 'noexec', 'relatime']);
    expect(mountAt(seen, '/m').superOptions).toEqual(expect.arrayContaining(['sync', 'size=8k']));
    expect(mountAt(seen, '/n').options).toEqual(['ro', 'nodev', 'relatime']);
    for (const path of ['/n', '/n/sub']) {
      expect(mountAt(seen, path).tags).toContainEqual(expect.stringMatching(/^shared:/));
    }
  });

  it('of nothing is told', async () => {
    const mounts = [{ destination: '/nothing', options: ['remount', 'ro'] }];
    await expect(mountsOf({ rootfs, mounts })).rejects.toThrow(/^config.json: mounts\[6\]: could not find \/nothing/);
  });
});

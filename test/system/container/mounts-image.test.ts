// Places of mounts in images with links, or without the places: all is found and made in the image, and nothing outside of it.
// tmpcopyup. Needs root.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OciConfig } from '../../../src/container/config/schema.js';
import type { Situation } from '../../../src/container/situation.js';
import type { Plan } from '../../../src/sys/plan.js';
import { isRoot, needs } from '../../skips.js';
import { mountAt, mountsOf, runConfig } from './run-config.js';
import { expectNothingNew, ownRootfs } from './vlab-run.js';

let rootfs: string;
/** A directory of the host that links of the image lead to, if anything follows them out of it. */
let outside: string;
let leftovers: () => Promise<void>;
beforeEach(async (context) => {
  needs(context, 'root', isRoot);
  rootfs = await ownRootfs();
  outside = mkdtempSync(join(tmpdir(), 'vlab-outside-'));
  writeFileSync(join(outside, 'file'), 'of the host\n');
  mkdirSync(join(outside, 'empty'));
  leftovers = expectNothingNew(rootfs);
});
afterEach(async () => {
  await leftovers();
  for (const path of [rootfs, outside]) rmSync(path, { recursive: true });
});

/** What is known beforehand makes plans shorter; nothing may depend on it. */
const VIEWS: [string, Partial<Situation>][] = [
  ['looked at before', {}],
  ['not looked at', { files: undefined } as unknown as Partial<Situation>],
];
const bindDirectory = (destination: string) => ({ destination, source: join(outside, 'empty'), options: ['bind'] });
const bindFile = (destination: string) => ({ destination, source: join(outside, 'file'), options: ['bind'] });
const USUAL = ['/', '/proc', '/sys', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'];
/** Where mounts are besides those of every container. */
const paths = async (mounts: { destination: string; type?: string }[], situation: Partial<Situation>) => {
  const change = ({ linux }: OciConfig) => {
    linux.maskedPaths = [];
    linux.readonlyPaths = [];
  };
  const seen = await mountsOf({ rootfs, mounts, situation, change });
  return seen
    .map(({ path }) => path)
    .filter((path) => !USUAL.includes(path))
    .sort();
};

describe.each(VIEWS)('in an image that was %s', (_, situation) => {
  it('missing places are made with all their parents', async () => {
    const mounts = [bindDirectory('/a/b/c'), { destination: '/d/e', type: 'tmpfs' }];
    expect(await paths(mounts, situation)).toEqual(['/a/b/c', '/d/e']);
    expect(lstatSync(join(rootfs, 'a/b')).mode.toString(8)).toBe('40755');
    expect(lstatSync(join(rootfs, 'a/b/c')).isDirectory()).toBe(true);
  });

  it('links in the way lead where they lead for the container', async () => {
    mkdirSync(join(rootfs, 'real/deep'), { recursive: true });
    symlinkSync('/real', join(rootfs, 'absolute'));
    symlinkSync('../../../../../real', join(rootfs, 'upwards'));
    symlinkSync('absolute/deep', join(rootfs, 'twice'));
    const mounts = [bindDirectory('/absolute/one'), bindDirectory('/upwards/two/three'), bindDirectory('/twice/four')];
    expect(await paths(mounts, situation)).toEqual(['/real/deep/four', '/real/one', '/real/two/three']);
    expect(readdirSync(join(rootfs, 'real')).sort()).toEqual(['deep', 'one', 'two']);
  });

  it('a link at the end leads into the image too', async () => {
    mkdirSync(join(rootfs, 'real'));
    symlinkSync('/real', join(rootfs, 'last'));
    symlinkSync('/real', join(rootfs, 'new'));
    const mounts = [bindDirectory('/last'), { destination: '/new', type: 'tmpfs' }];
    expect(await paths(mounts, situation)).toEqual(['/real', '/real']);
  });

  it('links out of the image lead nowhere else than into it', async () => {
    symlinkSync(outside, join(rootfs, 'away'));
    const before = readdirSync(outside);
    mkdirSync(join(rootfs, outside), { recursive: true });
    expect(await paths([bindDirectory('/away/made'), bindDirectory('/away')], situation)).toEqual([
      outside,
      join(outside, 'made'),
    ]);
    expect(readdirSync(outside)).toEqual(before);
    expect(readdirSync(join(rootfs, outside))).toEqual(['made']);
  });

  it('".." and doubled slashes are what they are', async () => {
    expect(await paths([bindDirectory('a/../../b//c/./'), bindDirectory('../d')], situation)).toEqual(['/b/c', '/d']);
  });

  it.each(['proc', 'sysfs'])('%s wants an ordinary directory', async (type) => {
    symlinkSync('/tmp', join(rootfs, 'link'));
    for (const options of [[], ['silent']]) {
      const mounts = [{ destination: '/link', type, options }];
      await expect(mountsOf({ rootfs, mounts, situation })).rejects.toThrow(
        /mounts\[6\]: could not mount it at \/link/,
      );
    }
  });

  it('a directory does not fit over a file, nor a file over a directory', async () => {
    writeFileSync(join(rootfs, 'file'), '');
    await expect(paths([bindDirectory('/file')], situation)).rejects.toThrow(/^config.json: mounts\[6\]: .*ENOTDIR/);
    // What the source is, is not known then: a directory is made.
    if (situation.files !== undefined || !('files' in situation)) {
      await expect(paths([bindFile('/tmp')], situation)).rejects.toThrow(
        /^config.json: mounts\[6\]: .*(ENOTDIR|EINVAL)/,
      );
    }
  });

  it('a link in a mount of a volume stays in the container', async () => {
    mkdirSync(join(outside, 'empty/dir'));
    symlinkSync('/tmp', join(outside, 'empty/link'));
    const mounts = [
      bindDirectory('/v'),
      { destination: '/v/link', type: 'tmpfs' },
      { destination: '/v/dir', type: 'tmpfs' },
    ];
    expect(await paths(mounts, situation)).toEqual(['/tmp', '/v', '/v/dir']);
  });

  it('magic links are not followed', async () => {
    const mounts = [bindDirectory('/proc/self/root/tmp')];
    await expect(paths(mounts, situation)).rejects.toThrow(/^config.json: mounts\[6\]: .*(ELOOP|EXDEV)/);
  });

  it('a path in proc or sysfs is covered, and nothing is made there', async () => {
    const mounts = [
      { destination: '/proc/sys/kernel', type: 'tmpfs' },
      { destination: '/sys/fs/cgroup', type: 'tmpfs' },
    ];
    expect(await paths(mounts, situation)).toEqual(['/proc/sys/kernel', '/sys/fs/cgroup']);
    const missing = [{ destination: '/proc/sys/none', type: 'tmpfs' }];
    await expect(paths(missing, situation)).rejects.toThrow(
      /^config.json: mounts\[6\]: could not find \/proc\/sys\/none/,
    );
  });

  it('/ can be mounted over as well', async () => {
    const change = ({ mounts }: OciConfig) => {
      mounts.unshift({ destination: '/', source: rootfs, options: ['rbind', 'nodev'] });
    };
    expect(mountAt(await mountsOf({ rootfs, change, situation }), '/').options).toContain('nodev');
  });
});

describe('an image that was looked at', () => {
  it('gets what its links lead to, if that is missing', async () => {
    symlinkSync('../run/some/resolv.conf', join(rootfs, 'tmp/resolv.conf'));
    symlinkSync('/gone/away', join(rootfs, 'dangling'));
    expect(await paths([bindFile('/tmp/resolv.conf'), bindDirectory('/dangling')], {})).toEqual([
      '/gone/away',
      '/run/some/resolv.conf',
    ]);
    expect(lstatSync(join(rootfs, 'run/some/resolv.conf')).isFile()).toBe(true);
    expect(existsSync('/run/some')).toBe(false);
  });

  it('with links that go round is refused', async () => {
    symlinkSync('b', join(rootfs, 'a'));
    symlinkSync('a', join(rootfs, 'b'));
    await expect(paths([bindDirectory('/a/x')], {})).rejects.toThrow(/^config.json: mounts\[6\]: .*ELOOP/);
  });

  it('and whose places others exchange meanwhile leads nowhere else', async () => {
    // The plan is made for a directory; when it runs, that is a link out of the image.
    mkdirSync(join(rootfs, 'swapped'));
    const run = runConfig({
      rootfs,
      words: ['cat', '/proc/self/mountinfo'],
      mounts: [bindDirectory('/swapped')],
      tamper: () => {
        rmSync(join(rootfs, 'swapped'), { recursive: true });
        symlinkSync(outside, join(rootfs, 'swapped'));
      },
    });
    await expect(run).rejects.toThrow(/mounts\[6\]: could not find \/swapped .*ENOENT/);
  });

  /** Somebody exchanges a directory and a link out of the image all the time, while containers are made. */
  async function raced(tamper?: (plan: Plan) => void): Promise<string[]> {
    const [place, spare] = [join(rootfs, 'raced'), join(rootfs, 'spare')];
    mkdirSync(place);
    symlinkSync(outside, spare);
    const exchange = spawn(join(rootfs, 'probe'), ['exchange', place, spare, '60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      if (exchange.stdout) await once(exchange.stdout, 'data');
      for (let count = 0; count < 30; count++) {
        const mounts = [{ destination: `/raced/made${count}`, type: 'tmpfs' }];
        const how = { rootfs, words: ['true'], mounts, situation: { files: undefined } as never };
        await runConfig({ ...how, ...(tamper ? { tamper } : {}) }).catch(() => {});
      }
    } finally {
      exchange.kill('SIGKILL');
      await once(exchange, 'close');
    }
    return readdirSync(outside).filter((name) => name.startsWith('made'));
  }

  it('is never left, however fast its places are exchanged (CVE-2021-30465, CVE-2024-45310)', async () => {
    expect(await raced()).toEqual([]);
  });

  it('would be left if links were followed as they are: the attack works on a plan without the guard', async () => {
    const made = await raced((plan) => {
      for (const { call, args } of plan.steps) {
        if (call !== 'openat2' || args[2]?.kind !== 'addr') continue;
        new DataView(plan.data.buffer, plan.data.byteOffset).setBigUint64(args[2].offset + 16, 0n, true);
      }
    });
    expect(made.length).toBeGreaterThan(0);
  });
});

describe('tmpcopyup', () => {
  beforeEach(() => {
    mkdirSync(join(rootfs, 'up/in'), { recursive: true });
    chmodSync(join(rootfs, 'up'), 0o711);
    writeFileSync(join(rootfs, 'up/in/file'), 'of the image\n', { mode: 0o4755 });
    chmodSync(join(rootfs, 'up/in/file'), 0o4755);
    symlinkSync(join(outside, 'file'), join(rootfs, 'up/link'));
    symlinkSync(outside, join(rootfs, 'up/directory'));
  });
  const up = (...options: string[]) => [{ destination: '/up', type: 'tmpfs', options: ['tmpcopyup', ...options] }];
  const run = (mounts: ReturnType<typeof up>, ...words: string[]) => runConfig({ rootfs, mounts, words });

  it('begins with what the image has there, links as links', async () => {
    expect((await run(up(), 'cat', '/up/in/file')).stdout).toBe('of the image\n');
    expect((await run(up(), 'readlink', '/up/link')).stdout).toBe(`${join(outside, 'file')}\n`);
    expect((await run(up(), 'readlink', '/up/directory')).stdout).toBe(`${outside}\n`);
    const { stdout } = await run(up(), 'stat', '/up', '/up/in', '/up/in/file');
    expect(stdout).toMatch(/^\/up: 40711 .*\n\/up\/in: 40755 .*\n\/up\/in\/file: 104755 /);
  });

  it('leaves the image as it is, and can be read-only and have a mode', async () => {
    expect((await run(up(), 'make', '/up/in/new')).stdout).toBe('/up/in/new: ok\n');
    expect(readdirSync(join(rootfs, 'up/in'))).toEqual(['file']);
    expect((await run(up('ro'), 'make', '/up/in/new')).stdout).toContain('Read-only file system');
    expect((await run(up('mode=700'), 'stat', '/up')).stdout).toMatch(/^\/up: 40700 /);
  });

  it('is refused when it does not fit', async () => {
    writeFileSync(join(rootfs, 'up/large'), Buffer.alloc(100_000));
    await expect(run(up('size=8k'), 'true')).rejects.toThrow(
      /^config.json: mounts\[6\]: could not copy the files of the image/,
    );
    expect(readFileSync(join(rootfs, 'up/large')).length).toBe(100_000);
  });

  it('of nothing is an empty tmpfs', async () => {
    const mounts = [{ destination: '/nothing/there', type: 'tmpfs', options: ['tmpcopyup'] }];
    expect((await run(mounts, 'ls', '/nothing/there')).stdout).toBe('');
  });
});

/** Containers for the tests of checkpoint and restore: a bundle with test/fixtures/lasting.c, and vlab-oci as engines call it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { pullCriu } from '../../../src/oci/checkpoint/criu-root.js';
import { type Criu, findCriu } from '../../../src/oci/checkpoint/find-criu.js';
import { isRoot, needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';

const MAIN = resolve(import.meta.dirname, '../../../bin/vlab-oci.cjs');
const FIXTURES = resolve(import.meta.dirname, '../../fixtures');

/** A criu that works here: installed, in the cache, or got now. Undefined: there is none, and why is told. */
export async function anyCriu(): Promise<Criu | undefined> {
  try {
    return await findCriu(undefined).catch(async () => {
      await pullCriu(() => {});
      return findCriu(undefined);
    });
  } catch (error) {
    console.error(`no criu: ${(error as Error).message}`);
    return undefined;
  }
}

export interface BundleOptions {
  /** Words of lasting.c. */
  program: readonly string[];
  terminal?: boolean;
  namespaces?: object[];
  mounts?: object[];
  hooks?: object;
  cgroupsPath?: string;
  /** More of `linux`. */
  linux?: object;
}

export interface Called {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder with a root file system, bundles and a state directory; all that runs in it is ended by `dispose`. */
export class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'vlab-cr-'));
  readonly state = join(this.dir, 'state');
  readonly shared = join(this.dir, 'shared');
  readonly rootfs = join(this.dir, 'rootfs');
  private bundles = 0;
  /** The words that run vlab-oci. */
  command: readonly string[] = [process.execPath, MAIN];

  constructor() {
    mkdirSync(join(this.dir, 'shared'));
    // Where file systems are mounted too: the root of a user namespace can make no directory in it.
    for (const name of ['.', 'bin', 'dev', 'proc', 'run', 'shared', 'sys', 'tmp']) mkdirSync(join(this.rootfs, name));
    copyFileSync(this.fixture('lasting'), join(this.rootfs, 'bin/lasting'));
  }

  /** Returns its directory. The program finds the test's folder `shared` at /shared. */
  bundle({ program, terminal = false, namespaces, mounts = [], hooks, cgroupsPath, linux }: BundleOptions): string {
    const dir = join(this.dir, `bundle${this.bundles++}`);
    mkdirSync(dir);
    const types = ['pid', 'network', 'ipc', 'uts', 'mount'];
    const config = {
      ociVersion: '1.2.0',
      root: { path: this.rootfs },
      process: { cwd: '/', args: ['/bin/lasting', ...program], env: ['PATH=/bin'], terminal },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
        {
          destination: '/dev/pts',
          type: 'devpts',
          source: 'devpts',
          options: ['newinstance', 'ptmxmode=0666', 'mode=620'],
        },
        { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
        { destination: '/shared', type: 'bind', source: this.shared, options: ['rbind', 'rw'] },
        ...mounts,
      ],
      ...(hooks ? { hooks } : {}),
      linux: {
        namespaces: namespaces ?? types.map((type) => ({ type })),
        maskedPaths: ['/proc/kcore', '/proc/acpi', '/proc/keys', '/sys/firmware'],
        readonlyPaths: ['/proc/sys', '/proc/bus'],
        cgroupsPath: cgroupsPath ?? `/${basename(this.dir)}/${basename(dir)}`,
        ...linux,
      },
    };
    writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
    return dir;
  }

  /** Calls vlab-oci. What it and its containers say is appended to files, as logs are. */
  call(words: readonly string[], stdin: 'ignore' | number = 'ignore'): Called {
    const [program = '', ...before] = this.command;
    const [out, err] = [join(this.dir, 'out'), join(this.dir, 'err')];
    const [from, fromErr] = [textOf(out).length, textOf(err).length];
    const files = [out, err].map((path) => openSync(path, 'a'));
    try {
      const { status } = spawnSync(program, [...before, '--root', this.state, ...words], {
        cwd: this.dir,
        stdio: [stdin, ...(files as [number, number])],
        timeout: 60_000,
      });
      return { code: status, stdout: textOf(out).slice(from), stderr: textOf(err).slice(fromErr) };
    } finally {
      for (const file of files) closeSync(file);
    }
  }

  /** Throws with what it said when it fails. */
  must(...words: string[]): string {
    const { code, stdout, stderr } = this.call(words);
    if (code !== 0) throw new Error(`vlab-oci ${words.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** `out`: where it says what it says, as `call` has it; or pipes, which in Node are sockets. */
  spawn(words: readonly string[], how: 'pipe' | 'files' = 'files') {
    const [program = '', ...before] = this.command;
    const files = how === 'files' ? ['out', 'err'].map((name) => openSync(join(this.dir, name), 'a')) : [];
    const stdio = files.length > 0 ? (['ignore', ...files] as const) : 'pipe';
    const child = spawn(program, [...before, '--root', this.state, ...words], {
      cwd: this.dir,
      stdio: stdio as 'pipe',
    });
    for (const file of files) closeSync(file);
    return child;
  }

  /** `status` and `pid` of a container. */
  stateOf(id: string): { status: string; pid: number } {
    return JSON.parse(this.must('state', id)) as { status: string; pid: number };
  }

  ids(): string[] {
    return this.must('list', '--quiet').split('\n').filter(Boolean);
  }

  /** The numbers that a program has counted so far into a file: of `shared`, or at an absolute path. */
  counted(name: string): number[] {
    return textOf(resolve(this.shared, name)).split('\n').filter(Boolean).map(Number);
  }

  /** Waits until it has counted some numbers further. */
  async countsOn(name: string): Promise<void> {
    const before = this.counted(name).length;
    const what = `${name} counts on from ${before}: ${textOf(join(this.dir, 'err')).slice(-500)}`;
    await until(() => this.counted(name).length > before + 2, what, 10_000);
  }

  /** A program of test/fixtures, built for this place. */
  fixture(name: string): string {
    const target = join(this.dir, name);
    const source = resolve(FIXTURES, `${name}.c`);
    execFileSync('gcc', ['-static', '-O1', '-Wall', '-Werror', '-o', target, source]);
    return target;
  }

  dispose(): void {
    for (const id of this.ids()) this.call(['delete', '--force', id]);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** From 1 on, without a gap and without one twice. */
export function isUnbroken(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => number === index + 1);
}

/** A place for all tests of a file, in which each leaves nothing; they are skipped where there is no criu. */
export function withPlace(use: (own: { place: Place; images: string; criu: Criu | undefined }) => void): void {
  let criu: Criu | undefined;
  let place: Place | undefined;
  beforeAll(async () => {
    if (!isRoot) return;
    criu = await anyCriu();
    place = new Place();
    use({ place, images: join(place.dir, 'images'), criu });
  }, 300_000);
  afterAll(() => place?.dispose());
  beforeEach((context) => {
    needs(context, 'root', isRoot);
    needs(context, 'criu', criu !== undefined);
    return () => {
      if (!place) return;
      for (const id of place.ids()) place.call(['delete', '--force', id]);
      for (const name of readdirSync(place.shared)) rmSync(join(place.shared, name), { recursive: true });
      for (const name of ['images', 'err']) rmSync(join(place.dir, name), { recursive: true, force: true });
    };
  });
}
